import type { Stack } from '../stack/start-stack.js';
import { fundAdvertisers } from '../tests/support/funded-advertisers.js';
import type { BenchRow } from './bench-row.js';
import { type ClickRound, clickLoad } from './click-load.js';
import { median, ROUNDS } from './rounds.js';
import { meanSince } from './stages.js';

/** A thousand clicks a second through both processes, each answered with what it was charged. No Flink beside them. */
const PER_SECOND = 1_000;
const SECONDS = 4;
const MOST_ON_THEIR_WAY = 512;
const ADVERTISERS = 200;
const PLENTY_KRW = 1_000_000_000;

export async function benchClickCharged(stack: Stack): Promise<BenchRow[]> {
  const means = { cashKrw: PLENTY_KRW, dailyBudgetKrw: PLENTY_KRW / 2, totalBudgetKrw: null };
  const business = await fundAdvertisers(stack.env, ADVERTISERS, () => means, 'charged');
  try {
    const load = (seconds: number) =>
      clickLoad({
        url: `http://127.0.0.1:${stack.ports.adServer}`,
        apiKey: business.apiKey,
        keys: business.config,
        campaigns: [...business.campaigns],
        seconds,
        lanes: MOST_ON_THEIR_WAY,
        perSecond: PER_SECOND,
      });
    await load(2 * SECONDS);
    const appended = await meanSince(stack.ports.adServerOps, 'ads_click_append_ms');
    const transacted = await meanSince(stack.ports.balanceWorkerOps, 'ads_charge_batch_ms');
    const rounds: ClickRound[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await load(SECONDS));
    const unexpected = rounds
      .flatMap(({ outcomes }) => Object.keys(outcomes))
      .filter((outcome) => outcome !== 'charged' && outcome !== 'accepted');
    if (unexpected.length > 0) throw new Error(`answered ${unexpected.join(', ')}`);
    const total = (outcome?: string) =>
      rounds
        .flatMap(({ outcomes }) => Object.entries(outcomes))
        .reduce((sum, [name, count]) => sum + (outcome === undefined || name === outcome ? count : 0), 0);
    const rate = Math.round(median(rounds.map(({ perSecond }) => perSecond)));
    const charged = `${rate} clicks/s over ${ADVERTISERS} advertisers; ${total('charged')} of ${total()} charged in the answer, the others accepted; ad server, balance worker, PostgreSQL, Redis, Kafka and the load share the machine, no Flink statement runs`;
    const p50Ms = median(rounds.map((round) => round.p50Ms));
    const append = await appended();
    const transaction = await transacted();
    const profile = [
      `${p50Ms.toFixed(1)} ms p50, of which on average:`,
      `${append.meanMs.toFixed(1)} ms until every in-sync replica has the click`,
      `${transaction.meanMs.toFixed(1)} ms in its transaction, which decides ${(append.count / transaction.count).toFixed(1)} clicks`,
      'the rest: until the worker has read it, until the transaction before is done, the way of the outcome back, HTTP',
    ];
    const row = (name: string, figure: number, atMost: number): BenchRow => ({
      what: `click to charged answer at ${PER_SECOND}/s, ${name}`,
      against: '',
      ratio: figure,
      target: { atMost },
      unit: 'ms',
      details: charged,
      ...(figure > atMost ? { profile } : {}),
    });
    return [row('p50', p50Ms, 15), row('p99', median(rounds.map(({ p99Ms }) => p99Ms)), 120)];
  } finally {
    await business.close();
  }
}
