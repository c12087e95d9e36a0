import { poll, quantile } from '../../support/poll.js';
import { newDevice } from '../../support/shop.js';
import { KEYWORD } from './approve.js';
import { RIVALS, type Spine } from './context.js';

/** Few at a time: the proof is about money; the latency under load is measured further down. */
const AT_ONCE = 4;

/** How a click ended: final, or `accepted` as long as only the first answer is known. */
interface Ended {
  readonly outcome: string;
  readonly reason: string;
  readonly chargedKrw: number;
}

interface Sent extends Ended {
  readonly clickId: string;
  readonly status: number;
  readonly ms: number;
}

function countBy(clicks: readonly Ended[]): string {
  const counts = new Map<string, number>();
  for (const { outcome, reason } of clicks) {
    const key = `${outcome} ${reason}`.trim();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, times]) => `${times} x ${key}`).join(', ');
}

/** N clicks of N shoppers; what the answers say, what the balances lost and what the ledger holds are one number. */
export async function chargeManyClicks(spine: Spine): Promise<void> {
  const count = spine.number('clicks');
  spine.step(`${count} clicks, charged`);
  const before = await allFacts(spine);
  const sent: Sent[] = [];
  let open = count;
  const worker = async () => {
    while (open > 0) {
      open -= 1;
      sent.push(await visitAndClick(spine));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const saidCharged = sent.filter((click) => click.status === 200 && click.outcome === 'charged');
  spine.figure('answered charged at once', `${saidCharged.length} of ${sent.length}`);
  const times = sent.map((click) => click.ms);
  spine.figure(
    'p50 / p99 ms, 4 at a time',
    `${quantile(times, 0.5).toFixed(1)} / ${quantile(times, 0.99).toFixed(1)}`,
  );

  const ended: Ended[] = [];
  for (const click of sent) ended.push(click.outcome === 'accepted' ? await lateCharge(spine, click) : click);
  const chargedKrw = ended.reduce((sum, click) => sum + click.chargedKrw, 0);
  const after = await allFacts(spine);
  const wrong = countBy(ended.filter((click) => click.outcome !== 'charged'));
  spine.check('every click is charged, at once or after a 202', wrong === '', wrong);
  spine.check('at least 99 % were answered with the charge itself', saidCharged.length >= sent.length * 0.99);
  const lost = before.balanceKrw - after.balanceKrw;
  spine.check(
    'balance before - charged = balance after',
    lost === chargedKrw,
    `${before.balanceKrw} - ${chargedKrw} = ${after.balanceKrw}`,
  );
  spine.check(
    'the ledger holds the same balance',
    after.ledgerKrw === after.balanceKrw,
    `${after.ledgerKrw}`,
  );
  spine.check(
    'the click rows hold the same charges',
    after.chargedKrw - before.chargedKrw === chargedKrw,
    `${after.chargedKrw - before.chargedKrw}`,
  );
}

async function visitAndClick(spine: Spine): Promise<Sent> {
  const deviceId = newDevice();
  const ads = await spine.shop.ads({ placement: 'SEARCH', query: KEYWORD, maxAds: 5, deviceId });
  const ad = ads.body.ads[Math.floor(spine.random() * ads.body.ads.length)];
  if (ad === undefined) throw new Error(`no ads: ${JSON.stringify(ads.body)}`);
  const click = await spine.shop.click({ clickToken: ads.body.clickToken, adId: ad.adId, deviceId });
  return {
    clickId: click.body.clickId,
    status: click.status,
    outcome: click.body.outcome ?? `answer ${click.status}`,
    reason: click.body.reason ?? click.body.code ?? '',
    chargedKrw: click.body.chargedCpcKrw ?? 0,
    ms: click.ms,
  };
}

/** What became of a click that was answered with 202. */
async function lateCharge(spine: Spine, click: Sent): Promise<Ended> {
  const body = await poll(`click ${click.clickId} is decided`, async () => {
    const status = await spine.shop.clickStatus(click.clickId);
    return status.status === 200 && status.body.outcome !== 'accepted' ? status.body : null;
  });
  return { outcome: body.outcome, reason: body.reason ?? '', chargedKrw: body.chargedCpcKrw ?? 0 };
}

async function allFacts(spine: Spine) {
  const facts = await Promise.all(RIVALS.map((seller) => spine.facts.advertiser(seller.id)));
  const sum = (pick: (one: (typeof facts)[number]) => number) =>
    facts.reduce((total, one) => total + pick(one), 0);
  return {
    balanceKrw: sum((one) => one.balanceKrw),
    ledgerKrw: sum((one) => one.ledgerKrw),
    chargedKrw: sum((one) => one.chargedKrw),
  };
}

/** The same click again, three times: the first outcome, and no second charge. */
export async function repeatClick(spine: Spine): Promise<void> {
  spine.step('A repeated click');
  const deviceId = newDevice();
  const ads = await spine.shop.ads({ placement: 'HOME', maxAds: 1, deviceId });
  const [ad] = ads.body.ads;
  if (ad === undefined) throw new Error('no ad');
  const click = { clickToken: ads.body.clickToken, adId: ad.adId, deviceId };
  const first = await spine.shop.click(click);
  const balance = await spine.facts.advertiser(ad.advertiserId);
  for (let time = 1; time <= 3; time += 1) {
    const again = await spine.shop.click(click);
    spine.check(
      `repeat ${time} gets the first outcome`,
      again.body.clickId === first.body.clickId &&
        again.body.outcome === first.body.outcome &&
        again.body.chargedCpcKrw === first.body.chargedCpcKrw,
      JSON.stringify(again.body),
    );
  }
  const after = await spine.facts.advertiser(ad.advertiserId);
  spine.check(
    'nothing more was charged',
    after.balanceKrw === balance.balanceKrw && after.chargedKrw === balance.chargedKrw,
  );
}
