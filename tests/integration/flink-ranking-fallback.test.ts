import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import type { Admin, Message, Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { AdEvent } from '../../contracts/events/ad-events.js';
import type { CampaignEvent } from '../../contracts/events/campaign-events.js';
import { rankingEntrySchema } from '../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { campaignKey, RANKING_PARAMETERS_KEY, servingKey, TOPICS } from '../../contracts/topics.js';
import { isPlacement } from '../../domain/placement.js';
import { type FlinkDeployer, startDeployer } from '../../flink/deployer.js';
import { JobManagerClient } from '../../flink/job-manager-client.js';
import { STATEMENTS } from '../../flink/statements.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { rankFromDatabase } from '../../operations/rank-from-database.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { randomLog } from '../support/flink/ranking-log.js';
import { type Rankings, rankingsOf } from '../support/flink/ranking-oracle.js';
import { stopsOfAdvertiser, writeCampaignTables } from '../support/flink/ranking-tables.js';
import { redisOfWorker } from '../support/flink/redis-of-worker.js';
import { poll } from '../support/poll.js';

/** Three computations of one ranking: Flink's, PostgreSQL's when Redis is away, and the rules of `domain/`. */

const SEED = 20_261_127;
const STOPPED_ADVERTISER = 'advertiser-3';
const START_DEADLINE_MS = 120_000;
const EQUAL_WITHIN_MS = 60_000;
const AFTER_THE_LOG_MS = 10 * 60_000;
const MESSAGES_PER_SEND = 1_000;

const shared = loadConfig();
const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
const prefix = `flink-fallback-${randomUUID().slice(0, 8)}-`;
const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-fallback-'));
const given = randomLog(SEED);
const campaignEvents = [
  ...given.campaignEvents,
  ...stopsOfAdvertiser(given.campaignEvents, STOPPED_ADVERTISER),
];

let db: TestDatabase;
let config: Config;
let admin: Admin;
let producer: Producer;
let redis: Redis;
let deployer: FlinkDeployer;

beforeAll(async () => {
  db = await createTestDatabase();
  config = ourConfig(db);
  redis = new Redis(config.REDIS_URL);
  await redis.flushdb();
  await createTopics(config, log);
  const kafka = createKafka(config, log);
  admin = kafka.admin();
  await admin.connect();
  producer = await connectProducer(kafka);
  await writeCampaignTables(db.ownerPool, campaignEvents, STOPPED_ADVERTISER);
  await appendLog();
  const rankingOnly = STATEMENTS.filter((statement) => statement.name === 'rtb-ranking');
  deployer = startDeployer(
    config,
    log,
    { observed: () => undefined, submitted: () => undefined },
    rankingOnly,
  );
  await poll(
    'the statement runs',
    async () => deployer.status()['rtb-ranking']?.running,
    START_DEADLINE_MS,
    100,
  );
}, START_DEADLINE_MS);

afterAll(async () => {
  await deployer.stop();
  const jobs = new JobManagerClient(config.FLINK_REST_URL);
  const ours = (await jobs.jobs()).filter(
    ({ name, state }) => name.startsWith(prefix) && state === 'RUNNING',
  );
  for (const job of ours) await jobs.cancel(job.id);
  await admin.deleteTopics({ topics: Object.values(TOPICS).map((topic) => topicName(config, topic)) });
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  await redis.flushdb();
  redis.disconnect();
  await poll('our jobs ended', async () => {
    const left = await db.ownerPool.query(
      "SELECT FROM pg_stat_activity WHERE usename = 'ads_flink' AND datname = current_database()",
    );
    return left.rowCount === 0;
  });
  await db.drop();
  rmSync(checkpoints, { recursive: true, force: true });
}, START_DEADLINE_MS);

it(`Flink, PostgreSQL and the rules rank alike to the unit: every key, every field, seed ${SEED}`, async () => {
  const expected = rankingsOf(campaignEvents, given.adEvents);
  const rates = Object.values(expected).flatMap((entries) => entries.map((entry) => entry.predictedCtrPpm));
  expect(new Set(rates).size, 'ads have rates of their own').toBeGreaterThan(100);

  await untilEqual('Redis', readRedis, expected);
  await untilEqual('PostgreSQL', () => readDatabase(Object.keys(expected)), expected);
  expect(await rankFromDatabase(db.appPool, 'SEARCH', 'nobody bids on it')).toEqual([]);
});

/** Waits for equality, and says in full what differs when it does not come. */
async function untilEqual(what: string, read: () => Promise<Rankings>, expected: Rankings): Promise<void> {
  const isEqual = async () => isDeepStrictEqual(await read(), expected);
  await poll(what, isEqual, EQUAL_WITHIN_MS, 200).catch(() => null);
  expect(await read(), what).toEqual(expected);
}

const entriesSchema = z.array(rankingEntrySchema);

async function readRedis(): Promise<Rankings> {
  const keys = await redis.keys(`${REDIS_KEYS.rankingPrefix}*`);
  const texts = keys.length === 0 ? [] : await redis.mget(...keys);
  return Object.fromEntries(
    keys.map((key, index) => [
      key.slice(REDIS_KEYS.rankingPrefix.length),
      entriesSchema.parse(JSON.parse(texts[index] ?? '[]')),
    ]),
  );
}

async function readDatabase(keys: readonly string[]): Promise<Rankings> {
  const rankings: Record<string, Rankings[string]> = {};
  for (const key of keys) {
    const [placement = '', target = ''] = key.split(':');
    if (!isPlacement(placement)) throw new Error(`no placement: ${key}`);
    rankings[key] = await rankFromDatabase(db.appPool, placement, target);
  }
  return rankings;
}

/** The whole log, in its order, and behind it a tick in every partition that closes its last window. */
async function appendLog(): Promise<void> {
  const campaignsTopic = topicName(config, TOPICS.campaignEvents);
  await append(
    campaignsTopic,
    campaignEvents.map((event) => ({ key: keyOf(event), value: JSON.stringify(event) })),
  );
  const adTopic = topicName(config, TOPICS.adEvents);
  await append(
    adTopic,
    given.adEvents.map((event) => ({ key: event.eventId, value: JSON.stringify(event) })),
  );
  const recordedAt = Math.max(...given.adEvents.map((event) => event.recordedAt)) + AFTER_THE_LOG_MS;
  const tick = {
    eventId: `tick:${recordedAt}`,
    schemaVersion: 1,
    type: 'CLOCK_TICK',
    recordedAt,
  } satisfies AdEvent;
  const partitions = Array.from({ length: config.KAFKA_PARTITIONS }, (_, partition) => partition);
  await append(
    adTopic,
    partitions.map((partition) => ({ key: 'clock-tick', partition, value: JSON.stringify(tick) })),
  );
}

async function append(topic: string, messages: readonly Message[]): Promise<void> {
  for (let start = 0; start < messages.length; start += MESSAGES_PER_SEND)
    await producer.send({ topic, acks: -1, messages: messages.slice(start, start + MESSAGES_PER_SEND) });
}

function keyOf(event: CampaignEvent): string {
  if (!('campaignId' in event)) return RANKING_PARAMETERS_KEY;
  return event.type === 'CAMPAIGN_SERVING_CHANGED'
    ? servingKey(event.campaignId)
    : campaignKey(event.campaignId);
}

function ourConfig({ appUrl }: TestDatabase): Config {
  const redisUrl = redisOfWorker(shared.REDIS_URL);
  const databaseUrl = new URL(shared.FLINK_DATABASE_URL);
  databaseUrl.pathname = new URL(appUrl).pathname;
  return {
    ...shared,
    TOPIC_PREFIX: prefix,
    KAFKA_PARTITIONS: 4,
    REDIS_URL: redisUrl,
    FLINK_REDIS_URL: redisUrl,
    FLINK_DATABASE_URL: databaseUrl.href,
    FLINK_CHECKPOINT_DIR: checkpoints,
  };
}
