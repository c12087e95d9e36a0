import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { withTransaction } from '../infra/postgres.js';
import { chargeClicks } from '../operations/charge-clicks.js';
import { creditTopUp } from '../operations/credit-top-up.js';
import { reconcile } from '../operations/reconcile.js';
import { setCampaignBudget } from '../operations/set-campaign-budget.js';
import { createTestDatabase, type TestDatabase } from '../tests/support/database.js';
import { clickEvent, deliver } from '../tests/support/money.js';
import { quantile } from '../tests/support/poll.js';
import { type BenchRow, isReached, targetText } from './bench-row.js';
import { copyInto, rowsForCopy } from './copy-rows.js';
import { profileOf } from './profile.js';
import { median, medianRatio, pairedRounds, type Round, sideText } from './rounds.js';

/**
 * The charging transaction on one connection, against one click at a time, against itself with all clicks on one
 * advertiser, and against a COPY of the rows that it writes. Processor time is that of this process alone.
 * `npx tsx bench/charge-clicks.ts` on the server of DATABASE_OWNER_URL; also part of `npm run bench -- serving`.
 */
const ADVERTISERS = 1_000;
const CAMPAIGNS_PER_ADVERTISER = 2;
/** What one transaction of the balance worker takes at most under load. */
const GROUP = 500;
const BATCH = 100;
const BATCH_P50_MS = 10;
const OPTIONS = { bidFloorKrw: 50 };

export async function benchCharging(): Promise<BenchRow[]> {
  const db = await createTestDatabase({ connections: 4 });
  try {
    await fundAll(db);
    await warmUp(db);
    const rows = [
      await groupsAgainstSingles(db),
      await oneAdvertiserAgainstSpread(db),
      await againstCopy(db),
    ];
    const broken = (await reconcile(db.appPool)).invariants.filter((invariant) => !invariant.ok);
    if (broken.length > 0) throw new Error(`not reconciled: ${JSON.stringify(broken)}`);
    return rows.flat();
  } finally {
    await db.drop();
  }
}

async function groupsAgainstSingles(db: TestDatabase): Promise<BenchRow[]> {
  const groups = await pairedRounds(
    () => round(db, { batches: 4, size: GROUP, advertisers: ADVERTISERS }),
    () => round(db, { batches: 60, size: 1, advertisers: ADVERTISERS }),
  );
  const batches = await pairedRounds(
    () => round(db, { batches: 12, size: BATCH, advertisers: ADVERTISERS }),
    () => round(db, { batches: 60, size: 1, advertisers: ADVERTISERS }),
  );
  const p50Ms = median(batches.own.map((one) => one.p50Ms ?? Number.NaN));
  const isMissed = p50Ms > BATCH_P50_MS;
  const profile = isMissed
    ? await profileOf(() => round(db, { batches: 100, size: BATCH, advertisers: ADVERTISERS }))
    : null;
  const told = (size: number, { own, other }: typeof groups) =>
    `groups of ${size}: ${sideText(own)}; one at a time: ${sideText(other)}`;
  return [
    {
      what: `charging, groups of ${GROUP} over ${ADVERTISERS} advertisers`,
      against: 'one click per transaction',
      ratio: medianRatio(groups, ({ perSecond }) => perSecond),
      target: { atLeast: 30 },
      unit: 'x',
      details: told(GROUP, groups),
    },
    {
      what: `charging, groups of ${BATCH} over ${ADVERTISERS} advertisers`,
      against: 'one click per transaction',
      ratio: medianRatio(batches, ({ perSecond }) => perSecond),
      target: null,
      unit: 'x',
      details: told(BATCH, batches),
    },
    {
      what: `charging ${BATCH} clicks, p50`,
      against: '',
      ratio: p50Ms,
      target: { atMost: BATCH_P50_MS },
      unit: 'ms',
      details: `one transaction of ${BATCH} clicks over ${ADVERTISERS} advertisers: ${sideText(batches.own)}`,
      ...(profile === null ? {} : { profile }),
    },
  ];
}

async function oneAdvertiserAgainstSpread(db: TestDatabase): Promise<BenchRow[]> {
  const paired = await pairedRounds(
    () => round(db, { batches: 12, size: BATCH, advertisers: 1 }),
    () => round(db, { batches: 12, size: BATCH, advertisers: ADVERTISERS }),
  );
  return [
    {
      what: 'charging, all clicks on one advertiser',
      against: `the same spread over ${ADVERTISERS}`,
      ratio: medianRatio(paired, ({ perSecond }) => perSecond),
      target: { atLeast: 1 },
      unit: 'x',
      details: `groups of ${BATCH}; one advertiser: ${sideText(paired.own)}; spread: ${sideText(paired.other)}`,
    },
  ];
}

/** The same number of rows into twins of the three tables: same checks and indexes, no partitions and no triggers. */
async function againstCopy(db: TestDatabase): Promise<BenchRow[]> {
  const tables = ['click_charge', 'ledger_transaction', 'ledger_entry'] as const;
  for (const table of tables) {
    await db.ownerPool.query(`CREATE TABLE copy_of_${table} (LIKE ${table} INCLUDING ALL);
      GRANT ALL ON copy_of_${table} TO ads_app`);
  }
  const copyRound = async (): Promise<Round> => {
    const clicks = clicksOf(GROUP, ADVERTISERS);
    await chargeClicks(db.appPool, clicks, OPTIONS);
    const ids = [clicks.map(({ click }) => click.clickId)];
    const charged = 'SELECT ledger_transaction_id FROM click_charge WHERE click_id = ANY($1::uuid[])';
    const data = [
      await rowsForCopy(db.appPool, 'SELECT * FROM click_charge WHERE click_id = ANY($1::uuid[])', ids),
      await rowsForCopy(db.appPool, `SELECT * FROM ledger_transaction WHERE id IN (${charged})`, ids),
      await rowsForCopy(db.appPool, `SELECT * FROM ledger_entry WHERE transaction_id IN (${charged})`, ids),
    ];
    const startedCpu = process.cpuUsage();
    const started = performance.now();
    await withTransaction(db.appPool, async (client) => {
      for (const [n, table] of tables.entries())
        await copyInto(client, `copy_of_${table}`, data[n] ?? Buffer.of());
    });
    const ms = performance.now() - started;
    return { perSecond: (GROUP / ms) * 1_000, cpuMicros: cpuSince(startedCpu) / GROUP, p50Ms: ms };
  };
  const paired = await pairedRounds(
    () => round(db, { batches: 1, size: GROUP, advertisers: ADVERTISERS }),
    copyRound,
    15,
  );
  return [
    {
      what: 'charging, all of it',
      against: 'COPY of its click and ledger rows, nothing decided, read, locked or updated',
      ratio: medianRatio(paired, ({ perSecond }) => perSecond),
      target: null,
      unit: 'x',
      details: `${GROUP} clicks; charging: ${sideText(paired.own)}; COPY in one transaction: ${sideText(paired.other)}`,
    },
  ];
}

interface Load {
  readonly batches: number;
  readonly size: number;
  readonly advertisers: number;
}

/** Clicks are made before the clock runs. */
async function round(db: TestDatabase, { batches, size, advertisers }: Load): Promise<Round> {
  const latenciesMs: number[] = [];
  let cpuMicros = 0;
  for (let n = 0; n < batches; n += 1) {
    const clicks = clicksOf(size, advertisers);
    const startedCpu = process.cpuUsage();
    const started = performance.now();
    const result = await chargeClicks(db.appPool, clicks, OPTIONS);
    latenciesMs.push(performance.now() - started);
    cpuMicros += cpuSince(startedCpu);
    if (result.clicks.some((click) => click.outcome !== 'charged')) throw new Error('the money ran out');
  }
  const busyMs = latenciesMs.reduce((sum, ms) => sum + ms, 0);
  return {
    perSecond: ((batches * size) / busyMs) * 1_000,
    cpuMicros: cpuMicros / (batches * size),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

function cpuSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

/** Squared: some advertisers are much busier than others. */
const clicksOf = (size: number, advertisers: number) =>
  Array.from({ length: size }, () => {
    const a = Math.floor(Math.random() ** 2 * advertisers);
    const c = Math.floor(Math.random() * CAMPAIGNS_PER_ADVERTISER);
    const priceKrw = 100 + Math.floor(Math.random() * 400);
    return deliver(
      clickEvent({ name: randomUUID(), advertiserId: `adv_${a}`, campaignId: `cmp_${a}_${c}`, priceKrw }),
    );
  });

/** Statements are prepared per connection, and Node compiles what it has seen often. */
async function warmUp(db: TestDatabase): Promise<void> {
  for (const [batches, size] of [
    [100, 1],
    [60, BATCH],
    [8, GROUP],
  ] as const) {
    await round(db, { batches, size, advertisers: ADVERTISERS });
  }
}

async function fundAll(db: TestDatabase): Promise<void> {
  const lanes = 4;
  const fund = async (lane: number) => {
    for (let a = lane; a < ADVERTISERS; a += lanes) {
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
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => fund(lane)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of await benchCharging()) {
    const verdict =
      row.target === null ? '' : `${targetText(row.target, row.unit)} ${isReached(row) ? 'ok' : 'MISSED'}`;
    process.stdout.write(
      `${row.what} | ${row.against} | ${row.ratio.toFixed(2)} ${row.unit} | ${verdict}\n    ${row.details}\n`,
    );
  }
}
