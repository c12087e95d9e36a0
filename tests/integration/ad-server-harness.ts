import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Consumer } from 'kafkajs';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../../contracts/redis-keys.js';
import type { ServingStop } from '../../contracts/serving-stop.js';
import type { TopicName } from '../../contracts/topics.js';
import type { ApiScope } from '../../domain/access.js';
import { rankScore } from '../../domain/ranking.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { keyedHash, newId } from '../../infra/ids.js';
import { createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { createMetrics } from '../../infra/metrics.js';
import { relayServingStops } from '../../operations/relay-serving-stops.js';
import { type AdServerOptions, startAdServer } from '../../processes/ad-server.js';
import type { RunningProcess } from '../../processes/process.js';
import { poll } from '../support/poll.js';

/** A database of Redis that nothing else of the stack uses. */
const REDIS_DATABASE = 9;

/** The addresses of the stack, with a database, topics and an instance name of this file alone. */
export function harnessConfig(appUrl: string): Config {
  const config = loadConfig();
  const redis = new URL(config.REDIS_URL);
  redis.pathname = `/${REDIS_DATABASE}`;
  const run = randomBytes(4).toString('hex');
  return {
    ...config,
    DATABASE_URL: appUrl,
    REDIS_URL: redis.toString(),
    TOPIC_PREFIX: `ads-${run}-`,
    KAFKA_PARTITIONS: 3,
    INSTANCE_NAME: `ads-test-${run}`,
    AD_SERVER_PORT: 0,
    LOG_LEVEL: 'error',
  };
}

export interface TestAdServer {
  readonly url: string;
  readonly process: RunningProcess;
  metric(line: string): Promise<number>;
  stop(): Promise<void>;
}

/** A whole ad server in this process, on a port of its own. */
export async function startTestAdServer(
  config: Config,
  options: AdServerOptions = {},
): Promise<TestAdServer> {
  const metrics = createMetrics({ defaultMetrics: false });
  const log = createLogger(config, 'ad-server-test');
  const process = await startAdServer({ config, log, metrics }, options);
  const { detail } = await process.ready();
  let stopped: Promise<void> | undefined;
  return {
    url: String(detail.url),
    process,
    metric: async (line) => {
      const found = (await metrics.registry.metrics())
        .split('\n')
        .find((text) => text.startsWith(`${line} `));
      return found === undefined ? 0 : Number(found.slice(line.length + 1));
    },
    stop: () => {
      stopped ??= process.stop();
      return stopped;
    },
  };
}

export const untilReady = (server: TestAdServer) =>
  poll('the ad server is ready', async () => (await server.process.ready()).ok);

/** Writes rankings as the stream does: value, change list and message in one step. */
export class RankingWriter {
  readonly redis: Redis;

  constructor(url: string) {
    this.redis = new Redis(url);
  }

  async start(): Promise<void> {
    await this.redis.flushdb();
    await this.redis.set(REDIS_KEYS.rankingEpoch, randomBytes(8).toString('hex'));
  }

  async write(
    placement: string,
    target: string,
    ads: readonly RankingEntry[] | string | null,
  ): Promise<void> {
    const key = REDIS_KEYS.ranking(placement, target);
    const version = await this.redis.incr(REDIS_KEYS.rankingVersion);
    const transaction = this.redis.multi();
    if (ads === null) transaction.del(key);
    else transaction.set(key, typeof ads === 'string' ? ads : JSON.stringify(ads));
    await transaction
      .zadd(REDIS_KEYS.rankingChanges, version, key)
      .publish(REDIS_CHANNELS.rankingChanged, key)
      .exec();
  }

  async stop(stop: Partial<ServingStop> & Pick<ServingStop, 'scope' | 'id' | 'version'>): Promise<void> {
    await relayServingStops(this.redis, [
      { stopped: true, reason: 'daily_budget_exhausted', untilDate: null, ...stop },
    ]);
  }
}

/** An ad whose other ids follow from its own. */
export function rankedAd(
  name: string,
  maxCpcKrw: number,
  overrides: Partial<RankingEntry> = {},
): RankingEntry {
  const predictedCtrPpm = 20_000;
  return {
    adId: `ad_${name}`,
    campaignId: `cmp_${name}`,
    advertiserId: `adv_${name}`,
    productId: `product-${name}`,
    maxCpcKrw,
    predictedCtrPpm,
    rankScore: rankScore(maxCpcKrw, predictedCtrPpm),
    campaignVersion: 1,
    parametersVersion: 1,
    bidFloorKrw: 50,
    startAt: 0,
    endAt: Date.now() + 86_400_000,
    ...overrides,
  };
}

/** An API key straight into the table: the row that the console would write. */
export async function insertApiKey(
  db: { query(text: string, values: unknown[]): Promise<unknown> },
  hashKey: string,
  scopes: readonly ApiScope[],
): Promise<string> {
  const id = newId('key').slice(4);
  const key = `ak_${id}.${randomBytes(32).toString('base64url')}`;
  await db.query('INSERT INTO api_key (id, name, key_hash, scopes, created_by) VALUES ($1, $2, $3, $4, $5)', [
    `key_${id}`,
    'test',
    keyedHash(hashKey, 'api-key', key),
    scopes,
    'test',
  ]);
  return key;
}

export interface LoggedEvent {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Readonly<Record<string, unknown>> & { readonly type: string };
}

/** Everything in a topic of this run, from the start. */
export async function followEvents(
  config: Config,
  topic: TopicName,
): Promise<{ events: LoggedEvent[]; consumer: Consumer }> {
  const log = createLogger(config, 'events-test');
  await createTopics(config, log);
  const consumer = createKafka(config, log).consumer({
    groupId: `${config.TOPIC_PREFIX}test-${topic}`,
    maxWaitTimeInMs: 100,
  });
  const events: LoggedEvent[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(config, topic), fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
      events.push({
        key: String(message.key),
        headers: Object.fromEntries(headers),
        value: JSON.parse(String(message.value)) as LoggedEvent['value'],
      });
      return Promise.resolve();
    },
  });
  return { events, consumer };
}
