import { type GenuineTokenDeps, readGenuineToken } from '../../api/ad-server/genuine-token.js';
import { createAdServerMetrics } from '../../api/ad-server/metrics.js';
import { createClickTokens } from '../../infra/click-token.js';
import { createMetrics } from '../../infra/metrics.js';
import { answered, finalOutcome } from '../support/answered-click.js';
import { readClickLog } from '../support/click-log.js';
import { createForger, type Forgery } from '../support/forged-tokens.js';
import { type FundedBusiness, fundAdvertisers } from '../support/funded-advertisers.js';
import { killAndAwait } from '../support/kill-part.js';
import { reconcileReport } from '../support/main-command.js';
import { connectShop, type Shop, type ShopClick } from '../support/shop.js';
import { answerPress, inLanes, type SignedAnswer } from '../support/signed-answers.js';
import type { Proof, ProofContext } from './proof.js';

const ADVERTISERS = 20;
const CLIENTS = 32;
const PRICE_KRW = 100;
const ADS_EACH = 2;
/** Of all forgeries, so many at least are sent to the running ad server; the others to the function that it asks. */
const LEAST_OVER_HTTP = 5_000;
const LATE = 300;
const REPLAYED = 40;
const AT_ONCE = 30;
const AFTER_RESTART = 10;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHOWN = 5;

export const proof: Proof = {
  name: 'tokens',
  proves:
    'no forged, changed, swapped or late click is charged, and a genuine one once, however often and wherever it is sent again',
  params: { n: 100_000, answers: 400 },
  parts: ['ad-server', 'balance-worker'],
  run,
};

interface World {
  readonly context: ProofContext;
  readonly business: FundedBusiness;
  readonly shop: Shop;
  readonly answers: readonly SignedAnswer[];
}

async function run(context: ProofContext): Promise<void> {
  const { stack, number, step } = context;
  step(`${number('answers')} genuine answers of ${ADVERTISERS} advertisers`);
  const money = { cashKrw: 10_000_000, dailyBudgetKrw: 10_000_000, totalBudgetKrw: null };
  const business = await fundAdvertisers(stack.env, ADVERTISERS, () => money);
  try {
    const world = {
      context,
      business,
      shop: connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey),
      answers: genuineAnswers(context, business),
    };
    await forge(world);
    await deliverLate(world);
    const charged = await replay(world);
    await checkBooks(world, charged);
  } finally {
    await business.close();
  }
}

/** Answers of the last minutes, each to a device of its own, each naming ads that no other answer names. */
function genuineAnswers({ random, number }: ProofContext, business: FundedBusiness): SignedAnswer[] {
  const press = answerPress(business.config);
  return Array.from({ length: number('answers') }, (_, index) => {
    const ads = Array.from({ length: ADS_EACH }, (__, slot) => {
      const campaign = business.campaigns[(index + slot) % business.campaigns.length];
      if (campaign === undefined) throw new Error('no campaign');
      return { ...campaign, adId: `ad_${index}x${slot}`, priceKrw: PRICE_KRW };
    });
    return press(`device-${index}`, ads, Date.now() - Math.floor(random() * 10 * MINUTE_MS));
  });
}

async function forge({ context, business, shop, answers }: World): Promise<void> {
  const { step, figure, check, random, number } = context;
  const overHttp = Math.min(number('n'), Math.max(LEAST_OVER_HTTP, Math.round(number('n') / 20)));
  step(`${number('n')} forgeries, ${overHttp} of them over HTTP`);
  const next = createForger(business.config, answers, random);
  const tally = new Map<string, Map<string, number>>();
  const accepted: string[] = [];
  const note = ({ kind }: Forgery, refusal: string) => {
    const refusals = tally.get(kind) ?? new Map<string, number>();
    tally.set(kind, refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1));
  };
  const judge = judgeInProcess(business);
  for (let n = overHttp; n < number('n'); n += 1) {
    const forgery = next();
    const refusal = judge(forgery.click);
    note(forgery, refusal ?? 'accepted');
    if (refusal === null) accepted.push(`${forgery.kind}, in process`);
  }
  const sent = Array.from({ length: overHttp }, next);
  await inLanes(sent, CLIENTS, async (forgery) => {
    const { status, body } = await answered(shop, forgery.click);
    const isRefused = status >= 400 && status < 500;
    note(forgery, isRefused ? `${status} ${body.code ?? ''}` : 'accepted');
    if (!isRefused) accepted.push(`${forgery.kind}, over HTTP: ${status}`);
  });
  for (const [kind, refusals] of tally)
    figure(kind, [...refusals].map(([refusal, times]) => `${times} ${refusal}`).join(', '));
  check('no forgery is accepted', accepted.length === 0, accepted.slice(0, SHOWN).join('; '));
}

/** The same question that the ad server asks of every click, in this process: why it is refused, null when not. */
function judgeInProcess({ config }: FundedBusiness): (click: ShopClick) => string | null {
  const deps: GenuineTokenDeps = {
    tokens: createClickTokens(config.CLICK_TOKEN_KEYS),
    hashKey: config.HASH_KEY,
    now: Date.now,
    metrics: createAdServerMetrics(createMetrics({ defaultMetrics: false })),
  };
  return ({ clickToken, deviceId, adId }) => {
    const verdict = readGenuineToken(deps, { clickToken, deviceId, adIds: [adId], adField: 'adId' });
    return verdict.ok ? null : verdict.error.code;
  };
}

/** Genuine, but too old: stored with the reason, not charged. And as old as it may be: charged. */
async function deliverLate({ context, business, shop }: World): Promise<void> {
  const { step, figure, check } = context;
  step(`${LATE} genuine clicks too late, and ${LATE} just in time`);
  const press = answerPress(business.config);
  const [campaign] = business.campaigns;
  if (campaign === undefined) throw new Error('no campaign');
  const clickOf = (name: string, ageMs: number, clickedAfterMs: number) => {
    const issuedAt = Date.now() - ageMs;
    const ad = { ...campaign, adId: `ad_${name}`, priceKrw: PRICE_KRW };
    const { clickToken, deviceId } = press(`device-${name}`, [ad], issuedAt);
    return {
      clickToken,
      deviceId,
      adId: ad.adId,
      clickedAt: new Date(issuedAt + clickedAfterMs).toISOString(),
    };
  };
  const outcomes = new Map<string, number>();
  const send = (what: string, ageMs: number, clickedAfterMs: number) =>
    inLanes(
      Array.from({ length: LATE }, (_, n) => clickOf(`${what}-${n}`, ageMs, clickedAfterMs)),
      CLIENTS,
      async (click) => {
        const { body } = await answered(shop, click);
        const outcome = await finalOutcome(shop, body);
        outcomes.set(`${what}: ${outcome}`, (outcomes.get(`${what}: ${outcome}`) ?? 0) + 1);
      },
    );
  await send('clicked after 31 minutes', 32 * MINUTE_MS, 31 * MINUTE_MS);
  await send('delivered after 25 hours', 25 * HOUR_MS, MINUTE_MS);
  await send('delivered after 23 hours', 23 * HOUR_MS, MINUTE_MS);
  for (const [what, times] of outcomes) figure(what, times);
  const all = (what: string) => outcomes.get(what) === LATE;
  check('a late click is not charged', all('clicked after 31 minutes: expired_token'));
  check('a click delivered too late is not charged', all('delivered after 25 hours: expired_token'));
  check('a click delivered in time is charged', all('delivered after 23 hours: charged'));
}

/** The same clicks at once, and once more by other processes after a kill. Returns how many there are. */
async function replay({ context, business, shop, answers }: World): Promise<number> {
  const { stack, step, figure, check } = context;
  step(`${REPLAYED} genuine clicks, each ${AT_ONCE} times at once, and again after kills`);
  const clicks = answers.slice(0, REPLAYED).map(({ clickToken, deviceId, ads }) => ({
    clickToken,
    deviceId,
    adId: ads[0]?.adId ?? '',
    clickedAt: new Date().toISOString(),
  }));
  const answersOf = new Map<string, Set<string>>(clicks.map(({ adId }) => [adId, new Set()]));
  let sent = 0;
  /** The repeats of a click beside each other, so that they are under way together. */
  const send = (times: number) =>
    inLanes(
      clicks.flatMap((click) => Array.from({ length: times }, () => click)),
      AT_ONCE,
      async (click) => {
        const { body } = await answered(shop, click);
        answersOf.get(click.adId)?.add(`${body.clickId} ${await finalOutcome(shop, body)}`);
        sent += 1;
      },
    );
  await send(AT_ONCE);
  for (const part of ['ad-server', 'redis', 'balance-worker']) {
    await killAndAwait(stack, part);
    await send(AFTER_RESTART);
  }
  figure('genuine clicks / times sent', `${clicks.length} / ${sent}`);
  const torn = [...answersOf].filter(([, told]) => told.size !== 1 || ![...told][0]?.endsWith(' charged'));
  check('each is one click id and one charge', torn.length === 0, JSON.stringify(torn.slice(0, SHOWN)));
  const { rows } = await business.pool.query<{ times: string }>(
    'SELECT count(*)::text AS times FROM click_charge WHERE device_hash = ANY($1) GROUP BY click_id',
    [answers.map(({ payload }) => payload.deviceHash)],
  );
  check(
    'each is charged once',
    rows.length === clicks.length && rows.every(({ times }) => times === '1'),
    `${rows.length} clicks stored`,
  );
  return clicks.length;
}

async function checkBooks({ context, business }: World, replayed: number): Promise<void> {
  const { stack, step, figure, check } = context;
  step('The books');
  const { rows } = await business.pool.query<{ charged: string; krw: string; ledger: string }>(
    `SELECT (SELECT count(*) FROM click_charge WHERE outcome = 'charged')::text AS charged,
            (SELECT sum(charged_krw) FROM click_charge)::text AS krw,
            (SELECT -sum(e.amount_krw) FROM ledger_entry e
             JOIN ledger_transaction t ON t.id = e.transaction_id AND t.booked_date = e.booked_date
             WHERE t.cause = 'click_charge' AND e.account LIKE 'wallet%')::text AS ledger`,
  );
  const expected = replayed + LATE;
  const [books] = rows;
  figure('clicks charged / won / won in the ledger', `${books?.charged} / ${books?.krw} / ${books?.ledger}`);
  check(
    'only genuine clicks in time are charged',
    books?.charged === String(expected),
    `expected ${expected}`,
  );
  const krw = String(expected * PRICE_KRW);
  check('the ledger took their prices and nothing else', books?.krw === krw && books.ledger === krw);
  const log = await readClickLog(stack.env);
  const inLog = new Set(log.clicked.flat().map(({ clickId }) => clickId));
  check('no forgery is an event', inLog.size === expected + 2 * LATE, `${inLog.size} clicks in the log`);
  const report = await reconcileReport(stack.env);
  const broken = report.invariants.filter((invariant) => !invariant.ok);
  check('the books are clean', broken.length === 0, JSON.stringify(broken));
}
