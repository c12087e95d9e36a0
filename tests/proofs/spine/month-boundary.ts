import { DEMO } from '../../../contracts/demo.js';
import { runMain } from '../../support/main-command.js';
import { poll } from '../../support/poll.js';
import { connectShop, newDevice, type Shop, type ShopClick } from '../../support/shop.js';
import { KEYWORD } from './approve.js';
import type { Spine } from './context.js';

const SEOUL_OFFSET_MS = 9 * 3_600_000;

/** A token of one month, clicked and redelivered in the next: one row in the month of issue, one charge. */
export async function crossMonthBoundary(spine: Spine): Promise<void> {
  spine.step('Redelivery across the end of a month (business clock moved forward)');
  const midnight = nextMonthStart(Date.now());
  await advanceTo(spine, midnight - 20_000);
  const offsetMs = await businessOffset(spine);
  const now = () => Date.now() + offsetMs;
  const shop = connectShop(`http://127.0.0.1:${spine.stack.ports.adServer}`, DEMO.shopApiKey, now);

  const early = await poll('the ad server follows the clock', () => tokenIssuedAround(shop, now), 10_000);
  const late = await poll('a second token', () => tokenIssuedAround(shop, now), 10_000);
  const firstOfEarly = await shop.click({ ...early, clickedAt: new Date(now()).toISOString() });
  spine.check(
    'clicked before midnight: charged',
    firstOfEarly.body.outcome === 'charged',
    JSON.stringify(firstOfEarly.body),
  );
  await poll('midnight is over', async () => now() > midnight + 500, 60_000, 100);

  const clickedAt = new Date(midnight - 1_000).toISOString();
  const earlyAgain = await shop.click({ ...early, clickedAt });
  spine.check(
    'redelivered after midnight: first outcome',
    same(earlyAgain.body, firstOfEarly.body),
    JSON.stringify(earlyAgain.body),
  );
  const firstOfLate = await shop.click({ ...late, clickedAt });
  spine.check(
    'first delivered after midnight: charged',
    firstOfLate.body.outcome === 'charged',
    JSON.stringify(firstOfLate.body),
  );
  const lateAgain = await shop.click({ ...late, clickedAt });
  spine.check(
    'and redelivered: first outcome',
    same(lateAgain.body, firstOfLate.body),
    JSON.stringify(lateAgain.body),
  );

  const rows = await spine.facts.rows<{ issued: string; booked: string; rows: string }>(
    `SELECT issued_month::text AS issued, booked_date::text AS booked, count(*) AS rows
       FROM click_charge WHERE click_id = ANY ($1) AND outcome = 'charged' GROUP BY 1, 2 ORDER BY 2`,
    [[firstOfEarly.body.clickId, firstOfLate.body.clickId]],
  );
  const month = (ms: number) => new Date(ms + SEOUL_OFFSET_MS).toISOString();
  const expected = [
    `${month(midnight - 1).slice(0, 7)}-01 ${month(midnight - 1).slice(0, 10)} 1`,
    `${month(midnight - 1).slice(0, 7)}-01 ${month(midnight).slice(0, 10)} 1`,
  ];
  const found = rows.map((row) => `${row.issued} ${row.booked} ${row.rows}`);
  spine.check(
    'each is one row, in the month of issue, booked on its own day',
    found.join() === expected.join(),
    found.join(' | '),
  );
}

type Body = { clickId: string; outcome: string; chargedCpcKrw?: number };
const same = (a: Body, b: Body) =>
  a.clickId === b.clickId && a.outcome === b.outcome && a.chargedCpcKrw === b.chargedCpcKrw;

/** A token whose issue time (first 48 bits of the click id) is the moved clock's. */
async function tokenIssuedAround(shop: Shop, now: () => number): Promise<ShopClick | null> {
  const deviceId = newDevice();
  const ads = await shop.ads({ placement: 'SEARCH', query: KEYWORD, maxAds: 1, deviceId });
  const [ad] = ads.body.ads ?? [];
  if (ad === undefined) return null;
  const payload = Buffer.from(ads.body.clickToken.split('.')[2] ?? '', 'base64url').toString('utf8');
  const issuedAt = Number(/\d{13}/.exec(payload)?.[0]);
  return Math.abs(issuedAt - now()) < 5_000
    ? { clickToken: ads.body.clickToken, adId: ad.adId, deviceId }
    : null;
}

async function advanceTo(spine: Spine, epochMs: number): Promise<void> {
  const moved = await runMain(spine.stack.env, ['advance-clock', '--to', new Date(epochMs).toISOString()]);
  spine.check(
    'the business clock moves forward',
    moved.exitCode === 0,
    moved.stdout.trim() || moved.stderr.trim(),
  );
}

async function businessOffset(spine: Spine): Promise<number> {
  const [row] = await spine.facts.rows<{ offset_ms: string }>('SELECT offset_ms FROM business_clock');
  return Number(row?.offset_ms);
}

function nextMonthStart(epochMs: number): number {
  const local = new Date(epochMs + SEOUL_OFFSET_MS);
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 1) - SEOUL_OFFSET_MS;
}
