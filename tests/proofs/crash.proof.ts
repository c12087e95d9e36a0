import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { chargesByLog } from '../support/charges-by-log.js';
import { readClickLog } from '../support/click-log.js';
import { startExtraWorker } from '../support/extra-worker.js';
import { type FundedBusiness, fundAdvertisers } from '../support/funded-advertisers.js';
import { killAndAwait } from '../support/kill-part.js';
import { reconcileReport } from '../support/main-command.js';
import {
  clickPress,
  type Delivery,
  deliverClicks,
  newDelivery,
  type PaidClick,
} from '../support/paid-clicks.js';
import { poll } from '../support/poll.js';
import { connectShop } from '../support/shop.js';
import type { Proof, ProofContext } from './proof.js';

const LANES = 64;
const REPEAT_SHARE = 0.1;
const ADVERTISERS = 300;
/** A worker dies between its commit and its publication this often. */
const COMMIT_EVERY = 4;
const REBALANCE_EVERY = 2;
const DELIVERED_WITHIN_MS = 60 * 60_000;
const DECIDED_WITHIN_MS = 180_000;
const WORKING_WITHIN_MS = 60_000;
/** Less than the database waits for a lock. */
const HELD_WITHIN_MS = 4_000;
const VICTIMS = ['balance-worker', 'ad-server', 'kafka', 'redis', 'postgres'] as const;
const SHOWN = 5;

export const proof: Proof = {
  name: 'crash',
  proves:
    'worker, ad server, Kafka, Redis and PostgreSQL killed at random points, partitions moved, clicks sent twice: none is lost, none charged twice, and every one is decided as a clerk would',
  params: { clicks: 200_000, kills: 20 },
  parts: ['ad-server', 'balance-worker'],
  run,
};

interface Disorder {
  kills: number;
  afterCommit: number;
  rebalances: number;
}

async function run(context: ProofContext): Promise<void> {
  const { stack, step, figure, check, random, number } = context;
  step(`${ADVERTISERS} advertisers, some of whom run out of money on the way`);
  const perAdvertiser = (number('clicks') / ADVERTISERS) * 275;
  const business = await fundAdvertisers(stack.env, ADVERTISERS, () => ({
    cashKrw: Math.round(perAdvertiser * (0.7 + random() * 0.6)),
    dailyBudgetKrw: Math.round(perAdvertiser * (0.4 + random() * 0.4)),
    totalBudgetKrw: null,
  }));
  try {
    step(`${number('clicks')} clicks and ${number('kills')} kills`);
    const progress = newDelivery();
    const startedAt = performance.now();
    const shop = connectShop(`http://127.0.0.1:${stack.ports.adServer}`, business.apiKey);
    const delivered = deliverClicks(
      { shop, lanes: LANES, random, repeatShare: REPEAT_SHARE, withinMs: DELIVERED_WITHIN_MS },
      clicksOf(context, business),
      progress,
    );
    const disorder = await disturb(context, business, progress);
    await delivered;
    figure('seconds', ((performance.now() - startedAt) / 1_000).toFixed(0));
    figure(
      'clicks promised / sent again / retries',
      `${progress.promised} / ${progress.repeated} / ${progress.retries}`,
    );
    figure(
      'kills / between commit and publication / rebalances',
      `${disorder.kills} / ${disorder.afterCommit} / ${disorder.rebalances}`,
    );
    check(
      'every click was promised',
      progress.promised === number('clicks'),
      progress.refusals.slice(0, SHOWN).join('; '),
    );
    check(
      'no answer ever changed',
      progress.changed.length === 0,
      progress.changed.slice(0, SHOWN).join('; '),
    );
    check('all kills happened under load', disorder.kills === number('kills'), `${disorder.kills}`);
    check('workers died between commit and publication', disorder.afterCommit > 0);
    check('partitions moved at least five times', disorder.rebalances >= 5, `${disorder.rebalances}`);
    await checkCharges(context, business, progress);
  } finally {
    await business.close();
  }
}

function clicksOf(
  { random, number }: ProofContext,
  { campaigns, config }: FundedBusiness,
): () => PaidClick | null {
  const press = clickPress(config);
  let left = number('clicks');
  return () => {
    left -= 1;
    const campaign = campaigns[Math.floor(random() * campaigns.length)];
    if (left < 0 || campaign === undefined) return null;
    return press({ ...campaign, priceKrw: 50 + Math.floor(random() * 450) }, Date.now());
  };
}

/** Spreads the kills over the clicks: each waits for its share of them to be promised. */
async function disturb(
  context: ProofContext,
  business: FundedBusiness,
  progress: Delivery,
): Promise<Disorder> {
  const { stack, random, number, figure } = context;
  const disorder: Disorder = { kills: 0, afterCommit: 0, rebalances: 0 };
  const kills = number('kills');
  for (let n = 0; n < kills; n += 1) {
    const due = Math.floor(((n + 0.5 + random() * 0.4) / (kills + 1)) * number('clicks'));
    const startedAt = Date.now();
    await poll(`click ${due} is promised`, async () => progress.promised >= due, DELIVERED_WITHIN_MS, 20);
    const victim = VICTIMS[n % VICTIMS.length] ?? 'balance-worker';
    const isUnderLoad = progress.promised < number('clicks');
    if (n % COMMIT_EVERY === 0) {
      if (await killAfterCommit(context, business)) disorder.afterCommit += 1;
    } else {
      await delay(random() * 50);
      await killAndAwait(stack, victim);
    }
    if (isUnderLoad) disorder.kills += 1;
    if (n % REBALANCE_EVERY === 0) disorder.rebalances += await moveTwice(context);
    figure(
      `kill ${n + 1}`,
      `${n % COMMIT_EVERY === 0 ? 'balance-worker after its commit' : victim}, at click ${due}, ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`,
    );
  }
  return disorder;
}

/**
 * The worker's transaction is held at its first lock until Kafka stands still; then it may commit in PostgreSQL, but
 * cannot publish, and is killed. What it committed is redelivered to its successor. False when it had nothing to do.
 */
async function killAfterCommit({ stack }: ProofContext, { pool }: FundedBusiness): Promise<boolean> {
  const entries = async () =>
    (await pool.query<{ seq: string }>('SELECT sum(seq)::text AS seq FROM advertiser_balance')).rows[0]?.seq;
  const isHeld = async () =>
    (await pool.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')`))
      .rowCount !== 0;
  // Partitions may just be moving; until then there is nothing to hold.
  const idle = await entries();
  await poll('the worker works', async () => (await entries()) !== idle, WORKING_WITHIN_MS).catch(() => null);
  const kafka = stack.pidOf('kafka');
  const gate = await pool.connect();
  try {
    await gate.query('BEGIN');
    await gate.query('SELECT FROM advertiser_balance ORDER BY advertiser_id FOR UPDATE');
    const held = await poll('the worker waits', isHeld, HELD_WITHIN_MS, 5).catch(() => false);
    const before = await entries();
    process.kill(kafka, 'SIGSTOP');
    await gate.query('COMMIT');
    const committed =
      held &&
      (await poll('a commit', async () => (await entries()) !== before, HELD_WITHIN_MS, 2).catch(
        () => false,
      ));
    await killAndAwait(stack, 'balance-worker', () => process.kill(kafka, 'SIGCONT'));
    return committed;
  } finally {
    gate.release();
    process.kill(kafka, 'SIGCONT');
  }
}

/** Another worker comes and goes again: partitions move twice. */
async function moveTwice({ stack, random }: ProofContext): Promise<number> {
  const worker = await startExtraWorker(stack.env, await freePort());
  await delay(1_000 + random() * 2_000);
  await worker.end(random() < 0.5 ? 'SIGTERM' : 'SIGKILL');
  return 2;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function checkCharges(
  { stack, step, figure, check }: ProofContext,
  business: FundedBusiness,
  progress: Delivery,
): Promise<void> {
  step('Every click of the log, decided again by hand');
  const { pool } = business;
  const count = async (what: string) =>
    Number((await pool.query<{ n: string }>(`SELECT count(*)::text AS n FROM ${what}`)).rows[0]?.n);
  await poll(
    'all clicks are decided',
    async () => (await count('click_charge')) >= progress.promised,
    DECIDED_WITHIN_MS,
    500,
  ).catch(() => null);
  // What was promised is decided; what was told last may still be on its way.
  await delay(2_000);
  const log = await readClickLog(stack.env);
  const result = await chargesByLog(business, log);
  const promised = new Set(progress.clickIds.filter((id) => id !== null));
  const inLog = new Set(log.clicked.flat().map(({ clickId }) => clickId));
  figure('clicks in the log / appended more than once', `${result.clicks} / ${result.repeats}`);
  figure('told more than once', [...log.told.values()].filter((times) => times > 1).length);
  for (const [outcome, times] of Object.entries(result.outcomes)) figure(outcome, times);
  const lost = [...promised].filter((id) => !inLog.has(id)).length;
  check(
    'no promised click is lost',
    lost === 0 && result.undecided === 0 && result.untold === 0,
    `${lost} not in the log, ${result.undecided} undecided, ${result.untold} untold`,
  );
  check('no click is decided that was not in the log', result.strangers === 0, `${result.strangers}`);
  check(
    'no click is charged twice',
    (await count('(SELECT FROM click_charge GROUP BY click_id HAVING count(*) > 1) twice')) === 0,
  );
  for (const line of result.around) figure('beside the first difference', line);
  check(
    'each is decided as by hand, in the order of its partition',
    result.differences.length === 0,
    result.differences.slice(0, SHOWN).join('; '),
  );
  check('nothing was set aside', (await count('dead_letter')) === 0);
  const report = await reconcileReport(stack.env);
  for (const invariant of report.invariants)
    check(`${invariant.id} ${invariant.title}`, invariant.ok, JSON.stringify(invariant.figures));
}
