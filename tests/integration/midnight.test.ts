import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Consumer, Producer } from 'kafkajs';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServingStopRelay, startServingStopRelay } from '../../consumers/serving-stop-relay.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createMetrics } from '../../infra/metrics.js';
import { type DatabasePool, type Queryable, withTransaction } from '../../infra/postgres.js';
import { writeStops } from '../../operations/serving-stops.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { poll, quantile } from '../support/poll.js';

const CAMPAIGNS = 2_000;
/** Stops that the relay carries at a time, and its pause between two parts. */
const PART = 200;
const PAUSE_MS = 200;
const DAY_MS = 86_400_000;
const log = pino({ level: 'silent' });

let db: TestDatabase;
let config: Config;
let redis: Redis;
let producer: Producer;
let consumer: Consumer;
let relay: ServingStopRelay;
/** What the ranking hears, with the time at which it was sent. */
const heard: { campaignId: string; stopped: boolean; at: number }[] = [];
const statements: { text: string; rows: number; ms: number }[] = [];

beforeAll(async () => {
  db = await createTestDatabase();
  const redisUrl = new URL(loadConfig().REDIS_URL);
  redisUrl.pathname = '/7';
  redis = new Redis(redisUrl.toString());
  await redis.flushdb();
  const prefix = `midnight-${randomBytes(4).toString('hex')}-`;
  config = { ...loadConfig(), DATABASE_URL: db.appUrl, TOPIC_PREFIX: prefix, KAFKA_PARTITIONS: 2 };
  await createTopics(config, log);
  producer = await connectProducer(createKafka(config, log));
  consumer = createKafka(config, log).consumer({ groupId: `${prefix}ranking`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(config, TOPICS.campaignEvents), fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (message.headers?.[HEADER_TYPE]?.toString() !== 'CAMPAIGN_SERVING_CHANGED') return;
      const event = JSON.parse(message.value?.toString() ?? '');
      heard.push({ campaignId: event.campaignId, stopped: event.stopped, at: Number(message.timestamp) });
    },
  });
  await stopAllForToday();
  relay = startServingStopRelay({
    pool: timed(db.appPool),
    redis,
    producer,
    campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
    now: Date.now,
    log,
    metrics: createMetrics({ defaultMetrics: false }),
  });
});
afterAll(async () => {
  await relay.stop();
  await consumer.disconnect();
  await producer.disconnect();
  redis.disconnect();
  await db.drop();
});

/** The same pool; every statement is timed. */
function timed(pool: DatabasePool): DatabasePool {
  const time = <T extends pg.ClientBase | DatabasePool>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value = Reflect.get(object, name);
        if (name === 'connect') return async () => time(await pool.connect());
        if (typeof value !== 'function') return value;
        if (name !== 'query') return value.bind(object);
        return async (...call: unknown[]) => {
          const started = performance.now();
          const result = await value.apply(object, call);
          const [query] = call;
          const text = typeof query === 'string' ? query : String(Reflect.get(Object(query), 'text'));
          statements.push({
            text: text.trim().slice(0, 60),
            rows: Number(Reflect.get(Object(result), 'rowCount') ?? 0),
            ms: performance.now() - started,
          });
          return result;
        };
      },
    });
  return time(pool);
}

/** Two thousand campaigns of two hundred advertisers, all out of today's budget. */
async function stopAllForToday(): Promise<void> {
  await db.ownerPool.query(
    `INSERT INTO advertiser_balance (advertiser_id, cash_krw) SELECT 'adv_' || n, 0 FROM generate_series(1, 200) AS n`,
  );
  await db.ownerPool.query(
    `INSERT INTO campaign_budget (campaign_id, advertiser_id, daily_budget_krw, spent_date)
     SELECT 'cmp_' || n, 'adv_' || (n % 200 + 1), 10000, business_date_of(business_now())
       FROM generate_series(1, $1::int) AS n`,
    [CAMPAIGNS],
  );
  await withTransaction(db.appPool, async (client) => {
    const { rows } = await client.query('SELECT business_date_of(business_now()) AS today');
    const stop = { reason: 'daily_budget_exhausted' as const, untilDate: rows[0]?.today };
    const ids = Array.from({ length: CAMPAIGNS }, (_, index) => `cmp_${index + 1}`);
    await writeStops(
      client,
      ids.map((id) => ({ scope: 'campaign' as const, id, stop })),
      new Date(),
    );
  });
}

const told = (stopped: boolean) =>
  new Set(heard.filter((one) => one.stopped === stopped).map(({ campaignId }) => campaignId)).size;

/** The most that were sent within any second. */
function mostPerSecond(): number {
  const times = heard.map(({ at }) => at).sort((a, b) => a - b);
  return times.reduce((most, at, index) => {
    let end = index;
    while (end < times.length && (times[end] ?? 0) < at + 1_000) end += 1;
    return Math.max(most, end - index);
  }, 0);
}

async function stoppedForTheDay(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM serving_stop WHERE stopped AND reason = 'daily_budget_exhausted'`,
  );
  return rows[0]?.n ?? 0;
}

describe('midnight', () => {
  test('ends two thousand daily stops in parts: short statements, a bounded rate, and an urgent stop is not kept waiting', async () => {
    await poll('the ranking knows all stops', async () => told(true) === CAMPAIGNS);
    heard.length = 0;
    statements.length = 0;
    const started = Date.now();
    await db.ownerPool.query('UPDATE business_clock SET offset_ms = offset_ms + $1', [DAY_MS]);
    // In the middle of it somebody's total budget ends.
    await poll('it has begun', async () => (await stoppedForTheDay(db.ownerPool)) < CAMPAIGNS);
    const urgentAt = Date.now();
    const before = await withTransaction(db.appPool, async (client) => {
      const stop = { reason: 'total_budget_exhausted', untilDate: null } as const;
      await writeStops(client, [{ scope: 'campaign', id: 'cmp_2000', stop }], new Date());
      return stoppedForTheDay(client);
    });
    await poll('the urgent stop is in Redis', async () =>
      ((await redis.hget(REDIS_KEYS.servingStops, 'campaign:cmp_2000')) ?? '').includes('total_budget'),
    );
    const after = await stoppedForTheDay(db.ownerPool);
    const urgentMs = Date.now() - urgentAt;
    await poll('all others are back', async () => told(false) >= CAMPAIGNS - 1);
    const allMs = Date.now() - started;
    await poll('and it is out', async () =>
      heard.some((one) => one.stopped && one.campaignId === 'cmp_2000'),
    );

    const longest = statements.reduce((a, b) => (b.ms > a.ms ? b : a), { text: '', ms: 0 });
    console.info(
      `midnight: ${CAMPAIGNS} stops ended in ${allMs} ms, ${statements.length} statements, longest ` +
        `${longest.ms.toFixed(1)} ms (${longest.text}), at most ${mostPerSecond()} messages a second, urgent stop ${urgentMs} ms, ${before - after} others before it`,
    );
    // Short by what they touch, and by the clock but for those that a machine that stalls delays.
    const ending = statements.filter(({ text }) => text.startsWith('WITH over AS')).map(({ rows }) => rows);
    expect(ending.reduce((sum, rows) => sum + rows, 0)).toBeGreaterThanOrEqual(CAMPAIGNS - 1);
    expect(Math.max(...ending)).toBe(PART);
    const tookMs = statements.map(({ ms }) => ms);
    expect(quantile(tookMs, 0.9)).toBeLessThan(500);
    // A part is stamped when it is sent, at the earliest a pause after the one before it was taken.
    expect(mostPerSecond()).toBeLessThanOrEqual(PART * (1 + 1_000 / PAUSE_MS));
    // It waits for the part under way; some more may end until this test has looked.
    expect(before).toBeGreaterThan(5 * PART);
    expect(before - after).toBeLessThanOrEqual(5 * PART);
    expect(allMs).toBeLessThan(20_000);
    expect(await stoppedForTheDay(db.ownerPool)).toBe(0);
  });
});
