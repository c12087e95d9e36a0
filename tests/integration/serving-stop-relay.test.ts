import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServingStopRelay } from '../../consumers/serving-stop-relay.js';
import { StopReader, type StopsRead } from '../../consumers/stop-reader.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import type { ServingStop } from '../../contracts/serving-stop.js';
import { TOPICS } from '../../contracts/topics.js';
import { loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createMetrics } from '../../infra/metrics.js';
import { withTransaction } from '../../infra/postgres.js';
import { ServingStopCopy } from '../../infra/serving-stop-copy.js';
import { endExpiredStops, readStopsAfter } from '../../operations/read-serving-stops.js';
import { relayServingStops } from '../../operations/relay-serving-stops.js';
import { writeStops } from '../../operations/serving-stops.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';

const STOPS = 12_000;
const log = pino({ level: 'silent' });

let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.ownerPool.query('TRUNCATE serving_stop');
});

/** Campaigns `cmp_1` to `cmp_<count>`, stopped until somebody acts. */
const stopMany = (count: number) =>
  db.ownerPool.query(
    `INSERT INTO serving_stop (scope, id, stopped, reason, until_date, version, updated_at)
     SELECT 'campaign', 'cmp_' || n, true, 'total_budget_exhausted', NULL, nextval('serving_stop_version'), now()
       FROM generate_series(1, $1::int) AS n`,
    [count],
  );

const stop = (id: string) =>
  withTransaction(db.appPool, (client) =>
    writeStops(
      client,
      [{ scope: 'campaign', id, stop: { reason: 'total_budget_exhausted', untilDate: null } }],
      new Date(),
    ),
  );

/** Asks once in every turn of the event loop, for half a minute at most. */
async function pollTurns(isDone: () => boolean): Promise<void> {
  const until = Date.now() + 30_000;
  while (!isDone()) {
    if (Date.now() > until) throw new Error('not within half a minute');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Carried {
  readonly read: StopsRead;
  readonly ids: readonly string[];
}

/** Reads until there is nothing more; every part that was handed over. */
async function readAll(reader: StopReader): Promise<Carried[]> {
  const parts: Carried[] = [];
  const carry = async (stops: readonly ServingStop[], read: StopsRead) => {
    parts.push({ read, ids: stops.map(({ id }) => id) });
  };
  let more = true;
  while (more) more = await reader.read(carry);
  return parts;
}

const idsOf = (parts: readonly Carried[], read: StopsRead) =>
  parts.filter((part) => part.read === read).flatMap(({ ids }) => ids);

describe('a reader of stops', () => {
  test('walks through all of them in parts, each stop once, and afterwards reads only what has changed', async () => {
    await stopMany(STOPS);
    const reader = new StopReader(db.appPool);
    const parts = await readAll(reader);
    expect(new Set(idsOf(parts, 'all')).size).toBe(STOPS);
    expect(idsOf(parts, 'all')).toHaveLength(STOPS);
    expect(Math.max(...parts.map(({ ids }) => ids.length))).toBeLessThanOrEqual(5_000);
    // The newest at once, before the walk has come to them.
    expect(parts[0]?.read).toBe('changed');
    expect(parts[0]?.ids.at(-1)).toBe(`cmp_${STOPS}`);
    expect(await readAll(reader)).toEqual([]);
    await stop('cmp_7');
    expect(await readAll(reader)).toEqual([{ read: 'changed', ids: ['cmp_7'] }]);
  });

  test('finds a stop that became visible after newer ones', async () => {
    const reader = new StopReader(db.appPool);
    await stop('cmp_before');
    await readAll(reader);
    await withTransaction(db.appPool, async (client) => {
      const late = { reason: 'total_budget_exhausted', untilDate: null } as const;
      await writeStops(client, [{ scope: 'campaign', id: 'cmp_late', stop: late }], new Date());
      for (let n = 1; n <= 20; n += 1) await stop(`cmp_newer_${n}`);
      expect(idsOf(await readAll(reader), 'changed')).toHaveLength(20);
    });
    expect(await readAll(reader)).toEqual([{ read: 'changed', ids: ['cmp_late'] }]);
  });

  test('hands over again what could not be carried', async () => {
    const reader = new StopReader(db.appPool);
    await readAll(reader);
    await stop('cmp_1');
    await expect(reader.read(() => Promise.reject(new Error('Redis is away')))).rejects.toThrow('away');
    expect(await readAll(reader)).toEqual([{ read: 'changed', ids: ['cmp_1'] }]);
  });

  test('starts over from the beginning though the last part of a walk is just being carried', async () => {
    await stopMany(3);
    const reader = new StopReader(db.appPool);
    let lost = false;
    await reader.read(async (_stops, read) => {
      // Redis came back empty after this part was written.
      if (read === 'changed' || lost) return;
      reader.startOver();
      lost = true;
    });
    expect(idsOf(await readAll(reader), 'all')).toEqual(['cmp_1', 'cmp_2', 'cmp_3']);
  });
});

describe('the end of daily stops', () => {
  test('is found without looking at all stops', async () => {
    await stopMany(STOPS);
    await db.ownerPool.query('ANALYZE serving_stop');
    const { rows } = await db.ownerPool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT scope, id FROM serving_stop WHERE stopped
          AND until_date < (SELECT business_date_of(business_now()))
        ORDER BY until_date, scope, id LIMIT 200 FOR UPDATE SKIP LOCKED`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('serving_stop_until_date_idx');
    expect(await endExpiredStops(db.appPool, 200)).toBe(0);
  });
});

describe('the relay', () => {
  let redis: Redis;
  let producer: Producer;
  let campaignEventsTopic: string;
  let relayRedis: Redis;

  beforeAll(async () => {
    const url = new URL(loadConfig().REDIS_URL);
    url.pathname = '/6';
    redis = new Redis(url.toString());
    relayRedis = new Redis(url.toString(), { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    // Its connection is cut on purpose.
    relayRedis.on('error', () => undefined);
    await redis.flushdb();
    const config = {
      ...loadConfig(),
      TOPIC_PREFIX: `relay-${randomBytes(4).toString('hex')}-`,
      KAFKA_PARTITIONS: 1,
    };
    await createTopics(config, log);
    producer = await connectProducer(createKafka(config, log));
    campaignEventsTopic = topicName(config, TOPICS.campaignEvents);
  });
  afterAll(async () => {
    await producer.disconnect();
    redis.disconnect();
    relayRedis.disconnect();
  });

  const start = (by: Redis = relayRedis) =>
    startServingStopRelay({
      pool: db.appPool,
      redis: by,
      producer,
      campaignEventsTopic,
      now: Date.now,
      log,
      metrics: createMetrics({ defaultMetrics: false }),
    });
  const held = () => redis.hlen(REDIS_KEYS.servingStops);

  /** The connection of the relay; every script that went through is told with the stops that it wrote. */
  const overheard = (onWritten: (stops: readonly string[]) => Promise<void>): Redis =>
    new Proxy(relayRedis, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'eval') return value.bind(target);
        return async (...call: unknown[]) => {
          const answer = await Reflect.apply(value, target, call);
          // Script, number of keys, hash and channel; then field, version and text of each stop.
          await onWritten(call.slice(4).flatMap((part, index) => (index % 3 === 0 ? [String(part)] : [])));
          return answer;
        };
      },
    });

  test('fills a Redis that came back empty with every stop; one that is urgent meanwhile does not wait for the rest', async () => {
    await stopMany(STOPS);
    let written: string[] | null = null;
    const relay = start(
      overheard(async (stops) => {
        if (written === null) return;
        written.push(...stops);
        if (written.length === stops.length) await stop('cmp_urgent');
      }),
    );
    try {
      await poll('all stops are in Redis', async () => (await held()) === STOPS);
      written = [];
      await redis.flushdb();
      // The connection of the relay is cut, as a Redis that starts again does.
      await redis.client('KILL', 'ID', await relayRedis.client('ID'));
      await poll('all are there again', async () => (await held()) === STOPS + 1);
      const before = written.indexOf('campaign:cmp_urgent');
      console.info(`relay: ${before} of ${STOPS} stops were written again before the urgent one`);
      expect(before).toBeGreaterThan(0);
      // The part under way when it came, at most.
      expect(before).toBeLessThanOrEqual(5_000);
    } finally {
      await relay.stop();
    }
  });

  test('lets an ad server answer while it compares all stops', async () => {
    const all = await stopMany(STOPS).then(() => readStopsAfter(db.appPool, 0, STOPS));
    await redis.flushdb();
    await relayServingStops(redis, all);
    const subscriber = redis.duplicate();
    const copy = new ServingStopCopy({
      redis,
      subscriber,
      redisAnswers: () => true,
      readFromDatabase: async () => [],
      log,
      onBadStop: () => expect.unreachable('every stop can be read'),
    });
    try {
      // What another turn of the event loop sees in the middle of it.
      const sizes = new Set<number>();
      await pollTurns(() => sizes.add(copy.size) && copy.size === STOPS);
      expect(sizes.size).toBeGreaterThan(10);
    } finally {
      await copy.close();
      subscriber.disconnect();
    }
  });

  test('says that Redis is away though no stop changes', async () => {
    const relay = start();
    try {
      await poll('they agree', async () => relay.ageMs() < 1_000);
      relayRedis.disconnect();
      await poll('the age grows', async () => relay.ageMs() > 1_500);
      await relayRedis.connect();
      await poll('they agree again', async () => relay.ageMs() < 1_000);
    } finally {
      await relay.stop();
    }
  });

  test('leaves no connection behind, even when it is stopped while it is just being made', async () => {
    const listening = async () => {
      const { rows } = await db.ownerPool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
      );
      return rows[0]?.n;
    };
    await start().stop();
    await poll('nobody listens', async () => (await listening()) === 0);
  });
});
