import { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REDIS_CHANNELS } from '../../contracts/redis-keys.js';
import { CONSUMER_GROUPS, HEADER_REPLY_TO, HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import type { Config } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, groupName, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { createMetrics } from '../../infra/metrics.js';
import { reconcile } from '../../operations/reconcile.js';
import { startBalanceWorker } from '../../processes/balance-worker.js';
import type { RunningProcess } from '../../processes/process.js';
import {
  type CutLine,
  cuttableLine,
  FIND_COORDINATOR,
  type KafkaLine,
  kafkaLine,
  through,
} from '../support/cuttable-line.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, fund } from '../support/money.js';
import { poll, STALL_MS } from '../support/poll.js';
import { followEvents, harnessConfig, type LoggedEvent } from './ad-server-harness.js';

/** One worker whose stores hang and go: what waited is decided when they are back, once. */
let db: TestDatabase;
let config: Config;
let producer: Producer;
let worker: RunningProcess;
let heard: Redis;
let events: readonly LoggedEvent[];
let redisLine: CutLine;
let databaseLine: CutLine;
let brokerLine: KafkaLine;
const outcomes = new Set<string>();
const cleanUp: (() => unknown)[] = [];

const PRICE_KRW = 100;
const CASH_KRW = 1_000_000;
const CLICKS = 50;
const AD_SERVER = 'ad-server-of-outages';
const NAMES = { advertiserId: 'adv_outage', campaignId: 'cmp_outage' };
const BACK_WITHIN_MS = 2_000 + STALL_MS;
/** The pauses of a repetition grow to two seconds while nobody answers. */
const REPEATED_WITHIN_MS = 4_000 + STALL_MS;
/** A consumer that lost its broker reads again after its own pauses. */
const READ_WITHIN_MS = 10_000 + STALL_MS;
/** A connection that is asked and hears nothing counts as lost after twenty seconds. */
const FOUND_WITHIN_MS = 50_000;

beforeAll(async () => {
  db = await createTestDatabase({ connections: 6 });
  config = { ...harnessConfig(db.appUrl), DATABASE_POOL_SIZE: 4 };
  const log = createLogger({ ...config, LOG_LEVEL: 'silent' }, 'outages');
  await createTopics(config, log);
  producer = await connectProducer(createKafka(config, log));
  const followed = await followEvents(config, TOPICS.adEvents);
  events = followed.events;
  heard = new Redis(config.REDIS_URL);
  await heard.subscribe(REDIS_CHANNELS.clickOutcomes(AD_SERVER));
  heard.on('message', (_channel: string, text: string) => {
    for (const { clickId } of JSON.parse(text) as { clickId: string }[]) outcomes.add(clickId);
  });
  await fund(db.appPool, { ...NAMES, dailyBudgetKrw: CASH_KRW, totalBudgetKrw: null }, CASH_KRW);
  redisLine = await cuttableLine();
  databaseLine = await cuttableLine();
  brokerLine = await kafkaLine(config.KAFKA_BROKERS[0] ?? '');
  const own = {
    ...config,
    REDIS_URL: through(redisLine, config.REDIS_URL),
    DATABASE_URL: through(databaseLine, config.DATABASE_URL),
    KAFKA_BROKERS: [`127.0.0.1:${brokerLine.port}`],
  };
  worker = await startBalanceWorker({ config: own, log, metrics: createMetrics({ defaultMetrics: false }) });
  cleanUp.push(
    () => worker.stop(),
    () => producer.disconnect(),
    () => followed.consumer.disconnect(),
    () => heard.disconnect(),
    () => redisLine.cut(),
    () => databaseLine.cut(),
    () => brokerLine.cut(),
    () => db.drop(),
  );
  await poll('the worker is in the group', async () => (await worker.ready()).ok, 30_000);
});
afterAll(async () => {
  for (const step of cleanUp) await step();
});

let batches = 0;

async function appendClicks(): Promise<readonly string[]> {
  batches += 1;
  const clicks = Array.from({ length: CLICKS }, (_, n) =>
    clickEvent({ name: `outage-${batches}-${n}`, ...NAMES, priceKrw: PRICE_KRW }),
  );
  const headers = { [HEADER_TYPE]: 'AD_CLICKED', [HEADER_REPLY_TO]: AD_SERVER };
  const messages = clicks.map((one) => ({ key: one.advertiserId, value: JSON.stringify(one), headers }));
  await producer.send({ topic: topicName(config, TOPICS.adEvents), acks: -1, messages });
  return clicks.map(({ clickId }) => clickId);
}

async function chargedOf(clickIds: readonly string[]): Promise<number> {
  const { rows } = await db.ownerPool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM click_charge WHERE click_id = ANY ($1::uuid[]) AND outcome = 'charged'`,
    [clickIds],
  );
  return rows[0]?.n ?? 0;
}

async function untilCharged(clickIds: readonly string[], withinMs: number): Promise<void> {
  const startedAt = performance.now();
  await poll('all are charged', async () => (await chargedOf(clickIds)) === clickIds.length, withinMs);
  process.stdout.write(`${CLICKS} clicks charged after ${Math.round(performance.now() - startedAt)} ms\n`);
}

const untilDecided = (clickIds: readonly string[], withinMs = 30_000) =>
  poll(
    'all are decided in the log',
    async () => {
      const decided = events.filter(({ value }) => value.type === 'AD_CLICK_DECIDED');
      const ids = new Set(decided.map(({ value }) => value.clickId));
      return clickIds.every((id) => ids.has(id));
    },
    withinMs,
  );
const untilHeard = (clickIds: readonly string[]) =>
  poll('every ad server was told', async () => clickIds.every((id) => outcomes.has(id)), BACK_WITHIN_MS);

async function expectBooksClean(): Promise<void> {
  const { rows } = await db.ownerPool.query<{ spent: number; n: number }>(
    `SELECT sum(charged_krw)::int AS spent, count(*)::int AS n FROM click_charge`,
  );
  expect(rows[0]).toEqual({ spent: batches * CLICKS * PRICE_KRW, n: batches * CLICKS });
  expect((await reconcile(db.ownerPool)).invariants.filter(({ ok }) => !ok)).toEqual([]);
}

const HANGS = 'hangs';
const WAYS = [HANGS, 'is gone'] as const;
const lose = (line: CutLine, how: string) => (how === HANGS ? line.hang() : line.cut());
const bringBack = (line: CutLine, how: string) => (how === HANGS ? line.flow() : line.mend());

describe.each(WAYS)('when a store %s', (how) => {
  it('PostgreSQL: clicks wait and are charged once when it is back', async () => {
    await lose(databaseLine, how);
    const clicks = await appendClicks();
    await poll('the worker holds them', async () => (await worker.ready()).detail.stuckMs !== 0);
    expect(await chargedOf(clicks)).toBe(0);
    await bringBack(databaseLine, how);
    await untilCharged(clicks, REPEATED_WITHIN_MS);
    await untilHeard(clicks);
    await untilDecided(clicks);
    await expectBooksClean();
  });

  it('Redis: charging goes on at once, and ad servers are told again when it is back', async () => {
    await lose(redisLine, how);
    const clicks = await appendClicks();
    await untilCharged(clicks, BACK_WITHIN_MS);
    await untilDecided(clicks);
    await bringBack(redisLine, how);
    await poll(
      'the next click is told',
      async () => {
        const next = await appendClicks();
        await untilCharged(next, BACK_WITHIN_MS);
        return outcomes.has(next.at(-1) ?? '');
      },
      BACK_WITHIN_MS,
    );
    await expectBooksClean();
  });

  it('Kafka: what is appended meanwhile is charged once when it can be read again', async () => {
    await lose(brokerLine, how);
    const clicks = await appendClicks();
    expect(await chargedOf(clicks)).toBe(0);
    await bringBack(brokerLine, how);
    await untilCharged(clicks, READ_WITHIN_MS);
    await untilHeard(clicks);
    await untilDecided(clicks);
    await expectBooksClean();
  });
});

it('a group whose coordinator is not to be found as it forms anew: the worker joins it again, and clicks are charged once', async () => {
  const other = createKafka(config, createLogger({ ...config, LOG_LEVEL: 'silent' }, 'other')).consumer({
    groupId: groupName(config, CONSUMER_GROUPS.balanceWorker),
  });
  await other.connect();
  await other.subscribe({ topic: topicName(config, TOPICS.adEvents) });
  brokerLine.refuse(FIND_COORDINATOR);
  try {
    await other.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
    await poll('the worker is out of the group', async () => !(await worker.ready()).ok);
    const clicks = await appendClicks();
    await other.disconnect();
    brokerLine.refuse(null);
    await untilCharged(clicks, READ_WITHIN_MS);
    await untilHeard(clicks);
    await untilDecided(clicks);
    await expectBooksClean();
  } finally {
    brokerLine.refuse(null);
    await other.disconnect();
  }
});

/** Machines that vanish without a word: connections stay open and carry nothing ever again, new ones work. */
describe('when a store moved and its old machine is silent for ever', () => {
  it.each([
    ['PostgreSQL', () => databaseLine],
    ['Kafka', () => brokerLine],
  ])(
    '%s: it is found within a minute, and clicks are charged once',
    async (_, line) => {
      line().abandon();
      const clicks = await appendClicks();
      await untilCharged(clicks, FOUND_WITHIN_MS);
      // The worker's way into the log is another connection, which is asked only now.
      await untilDecided(clicks, FOUND_WITHIN_MS);
      await expectBooksClean();
    },
    3 * FOUND_WITHIN_MS,
  );
});
