import { setTimeout as delay } from 'node:timers/promises';
import { connectFacts, type DatabaseFacts } from '../support/database-facts.js';
import { everythingReady, killAndAwait } from '../support/kill-part.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll } from '../support/poll.js';
import { shuffled } from '../support/shuffled.js';
import type { Proof, ProofContext } from './proof.js';

/** `outside` is the shop itself: shoppers come back after it, as after any other part. */
const VICTIMS = [
  'ad-server',
  'balance-worker',
  'redis',
  'background',
  'back-office',
  'postgres',
  'kafka',
  'temporal',
  'flink',
  'outside',
] as const;
const MINUTE_MS = 60_000;
const REPORT_EVERY_MS = 5 * MINUTE_MS;
const SETTLED_WITHIN_MS = 2 * MINUTE_MS;

export const proof: Proof = {
  name: 'living-shop',
  proves: 'after an hour of the living shop with a random part killed again and again, the books are clean',
  params: { minutes: 60, 'kill-every-seconds': 75 },
  // Ten days of the feed in the hour: its nights would leave the shop empty for half of it.
  env: { SHOP_TRAFFIC: 'on', SHOP_SPEED_UP: '240' },
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step, figure } = context;
  const facts = connectFacts(stack.env.DATABASE_URL ?? '');
  try {
    step('A seeded shop with shoppers');
    const seeded = await runMain(stack.env, ['seed', '--history-days', '3']);
    check(
      'the seed runs through the ordinary operations',
      seeded.exitCode === 0,
      seeded.stderr.slice(0, 500),
    );
    await poll('shoppers click', async () => (await countsOf(facts)).clicks > 0, 5 * MINUTE_MS, 500);
    const before = await countsOf(facts);
    const kills = await killForAWhile(context, facts);
    step('After the last kill');
    await everythingReady(stack);
    await settled(context, facts);
    const after = await countsOf(facts);
    figure('parts killed', [...kills].map(([part, times]) => `${part} ${times}`).join(', '));
    for (const [name, value] of Object.entries(after)) figure(name, value);
    check('shoppers clicked and were charged for', after.charged > before.charged);
    check('orders were matched to clicks', after.conversions > 0);
    check('orders were cancelled, and their conversions taken back', after.reversed > 0);
    check('nothing was set aside', after.deadLetters === 0);
    const report = await reconcileReport(stack.env);
    for (const invariant of report.invariants) {
      check(`${invariant.id} ${invariant.title}`, invariant.ok, JSON.stringify(invariant.figures));
    }
  } finally {
    await facts.close();
  }
}

async function killForAWhile(
  context: ProofContext,
  facts: DatabaseFacts,
): Promise<ReadonlyMap<string, number>> {
  const { stack, step, figure, check } = context;
  const minutes = context.number('minutes');
  step(`${minutes} minutes, a random part killed every ${context.number('kill-every-seconds')} s`);
  const kills = new Map<string, number>();
  const victims = victimsOf(context.random);
  const endsAt = Date.now() + minutes * MINUTE_MS;
  let reportAt = Date.now() + REPORT_EVERY_MS;
  let slowestMs = 0;
  while (Date.now() < endsAt) {
    await delay(Math.min(context.number('kill-every-seconds') * 1_000, endsAt - Date.now()));
    const victim = victims.next().value;
    const killedAt = Date.now();
    await killAndAwait(stack, victim);
    await everythingReady(stack);
    slowestMs = Math.max(slowestMs, Date.now() - killedAt);
    kills.set(victim, (kills.get(victim) ?? 0) + 1);
    if (Date.now() < reportAt) continue;
    reportAt += REPORT_EVERY_MS;
    const left = Math.round((endsAt - Date.now()) / MINUTE_MS);
    figure(`${left} minutes left`, JSON.stringify(await countsOf(facts)));
  }
  check(
    'parts were killed, and each came back',
    kills.size > 0,
    `slowest ${(slowestMs / 1_000).toFixed(1)} s`,
  );
  return kills;
}

/** Every part once, in random order, again and again: an hour leaves none of them to luck. */
function* victimsOf(random: () => number): Generator<(typeof VICTIMS)[number], never> {
  for (;;) yield* shuffled(VICTIMS, random);
}

/** Clicks go on while the books are compared: what is compared is one snapshot. First the worker catches up. */
async function settled({ stack }: ProofContext, facts: DatabaseFacts): Promise<void> {
  const first = (await countsOf(facts)).clicks;
  await poll(
    'clicks are decided again',
    async () => (await countsOf(facts)).clicks > first,
    SETTLED_WITHIN_MS,
    500,
  );
  await everythingReady(stack);
}

async function countsOf(facts: DatabaseFacts) {
  const [row] = await facts.rows<Record<string, string>>(
    `SELECT (SELECT count(*) FROM click_charge) AS clicks,
            (SELECT count(*) FROM click_charge WHERE outcome = 'charged') AS charged,
            (SELECT count(*) FROM click_charge WHERE outcome = 'invalid') AS invalid,
            (SELECT coalesce(sum(charged_krw), 0) FROM click_charge) AS charged_krw,
            (SELECT count(*) FROM conversion_result) AS conversions,
            (SELECT count(*) FROM conversion_result WHERE reversed_at_ms IS NOT NULL) AS reversed,
            (SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL) AS dead_letters`,
  );
  return {
    clicks: Number(row?.clicks),
    charged: Number(row?.charged),
    invalid: Number(row?.invalid),
    chargedKrw: Number(row?.charged_krw),
    conversions: Number(row?.conversions),
    reversed: Number(row?.reversed),
    deadLetters: Number(row?.dead_letters),
  };
}
