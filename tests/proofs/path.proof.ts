import { Redis } from 'ioredis';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { playStory, type StoryEnd } from '../../outside/demo/story.js';
import { connectFacts, type DatabaseFacts } from '../support/database-facts.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { poll } from '../support/poll.js';
import { stageOn } from '../support/stage.js';
import type { Proof, ProofContext } from './proof.js';

const RATES_WITHIN_MS = 30_000;

export const proof: Proof = {
  name: 'path',
  proves: 'the whole business flow, from an application to an accepted tax invoice, to the won',
  params: { sellers: 8 },
  run,
};

async function run(context: ProofContext): Promise<void> {
  const { stack, check, step } = context;
  step('A shop with rivals');
  const sellers = String(context.number('sellers'));
  const seeded = await runMain(stack.env, ['seed', '--sellers', sellers, '--campaigns-per-seller', '1']);
  check('the seed runs through the ordinary operations', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  const redis = new Redis(stack.env.REDIS_URL ?? '');
  const facts = connectFacts(stack.env.DATABASE_URL ?? '');
  const stage = stageOn(stack, {
    chapter: step,
    tell: (what, detail) => context.figure(what, detail ?? ''),
    check: (claim, held, detail) => {
      check(claim, held, detail);
      if (!held) throw new Error(`this does not hold: ${claim}`);
    },
  });
  try {
    const end = await playStory(stage, ({ adId }) => checkRates(context, { redis, facts }, adId));
    await checkBooks(context, facts, end);
    const report = await reconcileReport(stack.env);
    step('Reconciliation');
    for (const invariant of report.invariants) {
      check(`${invariant.id} ${invariant.title}`, invariant.ok, JSON.stringify(invariant.figures));
    }
  } finally {
    redis.disconnect();
    await facts.close();
  }
}

/**
 * The newest window of the ad as Flink wrote it. Click and conversion may fall into two windows, so their rates are
 * looked for in all that Redis has shown, and the conversion in the history, too.
 */
async function checkRates(
  { check }: ProofContext,
  { redis, facts }: { readonly redis: Redis; readonly facts: DatabaseFacts },
  adId: string,
): Promise<void> {
  const key = REDIS_KEYS.performance(adId, 'SEARCH');
  const seen = { ctrPpm: 0, cvrPpm: 0, conversions: 0 };
  await poll(
    `rates of ${adId} in Redis`,
    async () => {
      const numbers = JSON.parse((await redis.get(key)) ?? '{}');
      for (const name of ['ctrPpm', 'cvrPpm', 'conversions'] as const) {
        seen[name] = Math.max(seen[name], Number(numbers[name] ?? 0));
      }
      return seen.ctrPpm > 0 && seen.conversions > 0;
    },
    RATES_WITHIN_MS,
  );
  check('clicks, conversions and their rates stand in Redis', seen.ctrPpm > 0, JSON.stringify(seen));
  // Two lines were bought and one of them was cancelled: one conversion is left when all windows are written.
  let history = { clicks: 0, conversions: 0 };
  const isWhole = async () => {
    const [row] = await facts.rows<{ clicks: string; conversions: string }>(
      `SELECT sum(clicks) AS clicks, sum(conversions) AS conversions FROM performance_5m
        WHERE ad_id = $1 AND placement = 'SEARCH'`,
      [adId],
    );
    history = { clicks: Number(row?.clicks), conversions: Number(row?.conversions) };
    return history.clicks === 1 && history.conversions === 1;
  };
  const whole = await poll('the history of five minutes', isWhole, RATES_WITHIN_MS, 500).catch(() => false);
  check('and in the history of five minutes', whole, JSON.stringify(history));
}

/** The same won everywhere: clicks, ledger, settlement, invoice. */
async function checkBooks(context: ProofContext, facts: DatabaseFacts, end: StoryEnd): Promise<void> {
  const { check, step } = context;
  step('The books of the seller');
  const { balanceKrw, ledgerKrw, chargedKrw } = await facts.advertiser(end.advertiserId);
  check('what the shop was told = what the clicks say', chargedKrw === end.chargedKrw, `${chargedKrw}`);
  check('the balance is the sum of its entries', balanceKrw === ledgerKrw, `${balanceKrw} = ${ledgerKrw}`);
  const [sums] = await facts.rows<{ settled: string; invoiced: string }>(
    `SELECT (SELECT sum(charged_cash_krw - reversed_cash_krw) FROM settlement_line WHERE advertiser_id = $1) AS settled,
            (SELECT sum(total_amount_krw) FROM tax_invoice WHERE advertiser_id = $1) AS invoiced`,
    [end.advertiserId],
  );
  check('settlement lines = charges', Number(sums?.settled) === end.chargedKrw, sums?.settled);
  check('tax invoice = charges', Number(sums?.invoiced) === end.chargedKrw, sums?.invoiced);
}
