import { randomUUID } from 'node:crypto';
import { withTransaction } from '../infra/postgres.js';
import { chargeClicks } from '../operations/charge-clicks.js';
import { creditTopUp } from '../operations/credit-top-up.js';
import { reconcile } from '../operations/reconcile.js';
import { setCampaignBudget } from '../operations/set-campaign-budget.js';
import { createTestDatabase, type TestDatabase } from '../tests/support/database.js';
import { clickEvent, deliver } from '../tests/support/money.js';

/**
 * Clicks per second of the charging transaction on one connection, in batches of 500 and 100 against one click per
 * transaction. The three take turns, so that a busy machine disturbs all of them alike: compare the ratios.
 * `npx tsx bench/charge-clicks.ts [advertisers] [seconds per turn]` on the server of DATABASE_OWNER_URL.
 */
const BATCHES = [500, 100, 1] as const;
const TURNS = 3;
const CAMPAIGNS_PER_ADVERTISER = 2;

interface Figures {
  clicks: number;
  busyMs: number;
  readonly latenciesMs: number[];
}

async function main(advertisers: number, secondsPerTurn: number): Promise<void> {
  const db = await createTestDatabase({ connections: 1 });
  try {
    await fundAll(db, advertisers);
    const figures = new Map<number, Figures>(
      BATCHES.map((size) => [size, { clicks: 0, busyMs: 0, latenciesMs: [] }]),
    );
    for (const size of BATCHES)
      await turn(db, advertisers, size, 0.5, { clicks: 0, busyMs: 0, latenciesMs: [] });
    for (let n = 0; n < TURNS; n += 1) {
      for (const [size, into] of figures) await turn(db, advertisers, size, secondsPerTurn, into);
    }
    const single = figures.get(1);
    const baseline = single ? perSecond(single) : 1;
    for (const [size, measured] of figures) print(size, measured, baseline);
    const broken = (await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok);
    process.stdout.write(broken.length === 0 ? 'RECONCILED\n' : `NOT RECONCILED ${JSON.stringify(broken)}\n`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } finally {
    await db.drop();
  }
}

async function fundAll(db: TestDatabase, advertisers: number): Promise<void> {
  for (let a = 0; a < advertisers; a += 1) {
    await withTransaction(db.appPool, async (client) => {
      for (let c = 0; c < CAMPAIGNS_PER_ADVERTISER; c += 1) {
        const names = { campaignId: `cmp_${a}_${c}`, advertiserId: `adv_${a}` };
        await setCampaignBudget(client, { ...names, dailyBudgetKrw: 500_000_000, totalBudgetKrw: null });
      }
    });
    await creditTopUp(db.appPool, {
      idempotencyKey: `bench:${a}`,
      advertiserId: `adv_${a}`,
      amountKrw: 1_000_000_000,
    });
  }
}

async function turn(
  db: TestDatabase,
  advertisers: number,
  size: number,
  seconds: number,
  into: Figures,
): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const batch = Array.from({ length: size }, () => randomClick(advertisers));
    const started = performance.now();
    const { clicks } = await chargeClicks(db.appPool, batch, { bidFloorKrw: 50 });
    const ms = performance.now() - started;
    if (clicks.some((click) => click.outcome !== 'charged'))
      throw new Error('the benchmark ran out of money');
    into.clicks += size;
    into.busyMs += ms;
    into.latenciesMs.push(ms);
  }
}

/** Squared, so that some advertisers are much busier than others. */
function randomClick(advertisers: number) {
  const a = Math.floor(Math.random() ** 2 * advertisers);
  const c = Math.floor(Math.random() * CAMPAIGNS_PER_ADVERTISER);
  const priceKrw = 100 + Math.floor(Math.random() * 400);
  return deliver(
    clickEvent({ name: randomUUID(), advertiserId: `adv_${a}`, campaignId: `cmp_${a}_${c}`, priceKrw }),
  );
}

const perSecond = (figures: Figures) => (figures.clicks / figures.busyMs) * 1_000;

function print(size: number, figures: Figures, baseline: number): void {
  const sorted = figures.latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  const rate = perSecond(figures);
  process.stdout.write(
    `batch ${String(size).padStart(3)}: ${Math.round(rate)} clicks/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${(rate / baseline).toFixed(1)} x one at a time\n`,
  );
}

await main(Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 2));
