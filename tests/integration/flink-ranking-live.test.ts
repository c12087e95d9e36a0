import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Admin, Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startClockTicker } from '../../consumers/clock-ticker.js';
import type { CampaignChanged, CampaignEvent } from '../../contracts/events/campaign-events.js';
import { type RankingEntry, rankingEntrySchema } from '../../contracts/ranking-entry.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../../contracts/redis-keys.js';
import { campaignKey, servingKey, TOPICS } from '../../contracts/topics.js';
import { EVERYBODY } from '../../domain/targeting.js';
import { type FlinkDeployer, startDeployer } from '../../flink/deployer.js';
import { JobManagerClient } from '../../flink/job-manager-client.js';
import { readStatement } from '../../flink/render-statement.js';
import type { ReadText } from '../../flink/statement-job.js';
import { STATEMENTS } from '../../flink/statements.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { redisOfWorker } from '../support/flink/redis-of-worker.js';
import { poll, quantile } from '../support/poll.js';

const START_DEADLINE_MS = 120_000;
const RANKING_DEADLINE_MS = 30_000;
const BID_CHANGES = 60;
const SWEEP_DELAY_SECONDS = 5;
/** What is promised; without mini-batches that flush, a change would wait for the 5 s checkpoint. */
const LATENCY_BOUND_MS = 3_000;

const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
const shared = loadConfig();
const prefix = `flink-live-${randomUUID().slice(0, 8)}-`;
const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-live-'));
const redisUrl = redisOfWorker(shared.REDIS_URL);
const config: Config = {
  ...shared,
  TOPIC_PREFIX: prefix,
  KAFKA_PARTITIONS: 4,
  REDIS_URL: redisUrl,
  FLINK_REDIS_URL: redisUrl,
  FLINK_CHECKPOINT_DIR: checkpoints,
};
const jobName = `${prefix}rtb-ranking`;
const jobManager = new JobManagerClient(config.FLINK_REST_URL);
const submitted: string[] = [];

let admin: Admin;
let producer: Producer;
let ticker: { stop(): Promise<void> };
let redis: Redis;
let subscriber: Redis;
let deployer: FlinkDeployer;

const rankingOnly = STATEMENTS.filter((statement) => statement.name === 'rtb-ranking');
/** As deployed, but what an earlier state left behind is swept sooner than after half a minute. */
const readText: ReadText = (spec) => {
  const { tables, parts } = readStatement(spec.name, spec.tables);
  const sooner = tables.map((table) =>
    table.replace("'mirror' = 'true'", `'mirror' = 'true', 'sweep.delay' = '${SWEEP_DELAY_SECONDS} s'`),
  );
  return { tables: sooner, parts };
};
const startOurDeployer = () =>
  startDeployer(
    config,
    log,
    { observed: () => undefined, submitted: (_, from) => submitted.push(from) },
    rankingOnly,
    readText,
  );
const ourJobs = async () =>
  (await jobManager.jobs()).filter((job) => job.name === jobName && job.state === 'RUNNING');
const untilRunning = () =>
  poll('the statement runs', async () => deployer.status()['rtb-ranking']?.running, START_DEADLINE_MS, 100);

async function publish(event: CampaignEvent): Promise<void> {
  const key = event.type === 'CAMPAIGN_SERVING_CHANGED' ? servingKey(event.campaignId) : undefined;
  const campaign = 'campaignId' in event ? campaignKey(event.campaignId) : 'ranking-parameters';
  await producer.send({
    topic: topicName(config, TOPICS.campaignEvents),
    acks: -1,
    messages: [{ key: key ?? campaign, value: JSON.stringify(event) }],
  });
}

function campaign(
  name: string,
  version: number,
  maxCpcKrw: number,
  status: CampaignChanged['status'] = 'enabled',
) {
  return {
    eventId: `campaign:${name}:${version}`,
    schemaVersion: 1,
    recordedAt: Date.now(),
    type: version === 1 ? 'CAMPAIGN_APPROVED' : 'CAMPAIGN_UPDATED',
    campaignId: name,
    advertiserId: `advertiser-of-${name}`,
    version,
    status,
    ads: [{ adId: `ad-of-${name}`, productId: `product-of-${name}`, categoryId: 'shoes' }],
    keywords: ['운동화'],
    bids: [
      { placement: 'HOME', maxCpcKrw },
      { placement: 'SEARCH', maxCpcKrw },
    ],
    startAt: 1,
    endAt: 2,
  } satisfies CampaignChanged;
}

/** In Redis before the statement started: of a ranking that no longer exists. */
const LEFT_BEHIND = REDIS_KEYS.ranking('HOME', 'left-behind');
const SWEPT_WITHIN_MS = 45_000;
const HOME = REDIS_KEYS.ranking('HOME', '*');
const SEARCH = REDIS_KEYS.ranking('SEARCH', '운동화');
const entriesSchema = z.array(rankingEntrySchema);
async function ranking(key: string): Promise<readonly RankingEntry[]> {
  return entriesSchema.parse(JSON.parse((await redis.get(key)) ?? '[]'));
}
const adsIn = async (key: string) => (await ranking(key)).map((entry) => entry.adId).join(' ');
const untilAds = (key: string, ads: string) =>
  poll(`${key} = ${ads}`, async () => (await adsIn(key)) === ads, RANKING_DEADLINE_MS, 5);

beforeAll(async () => {
  redis = new Redis(config.REDIS_URL);
  subscriber = new Redis(config.REDIS_URL);
  await redis.flushdb();
  await redis.set(LEFT_BEHIND, '[]');
  await createTopics(config, log);
  const kafka = createKafka(config, log);
  admin = kafka.admin();
  await admin.connect();
  producer = await connectProducer(kafka);
  const topic = topicName(config, TOPICS.adEvents);
  ticker = startClockTicker({ producer, admin, log, now: Date.now }, topic, config.CLOCK_TICK_AD_EVENTS_MS);
  deployer = startOurDeployer();
  await untilRunning();
}, START_DEADLINE_MS);

afterAll(async () => {
  await deployer.stop();
  for (const job of await ourJobs()) await jobManager.cancel(job.id);
  await ticker.stop();
  await admin.deleteTopics({ topics: Object.values(TOPICS).map((topic) => topicName(config, topic)) });
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  await redis.flushdb();
  redis.disconnect();
  subscriber.disconnect();
  rmSync(checkpoints, { recursive: true, force: true });
});

describe('campaign events to rankings in Redis', () => {
  it('brings an approved campaign in, acknowledges its version, and takes a stopped one out', async () => {
    await publish(campaign('one', 1, 500));
    const targeting = JSON.stringify({ ...EVERYBODY, hours: [9] });
    await publish({ ...campaign('two', 1, 400), targeting });
    await untilAds(HOME, 'ad-of-one ad-of-two');
    // Passed on as the campaign wrote it; left out for everybody.
    expect((await ranking(HOME)).map((entry) => entry.targeting)).toEqual([undefined, targeting]);
    await untilAds(SEARCH, 'ad-of-one ad-of-two');
    await poll(
      'acknowledged',
      async () => (await redis.get(REDIS_KEYS.campaignAcknowledgement('two'))) !== null,
    );
    expect(JSON.parse((await redis.get(REDIS_KEYS.campaignAcknowledgement('one'))) ?? 'null')).toEqual({
      version: 1,
      status: 'enabled',
    });
    const stop = {
      eventId: 'serving:one:1',
      schemaVersion: 1,
      recordedAt: Date.now(),
      campaignId: 'one',
    } as const;
    await publish({ ...stop, type: 'CAMPAIGN_SERVING_CHANGED', version: 1, stopped: true });
    await untilAds(HOME, 'ad-of-two');
    await publish({ ...stop, type: 'CAMPAIGN_SERVING_CHANGED', version: 2, stopped: false });
    await untilAds(HOME, 'ad-of-one ad-of-two');
  });

  it('notes each change in the list of changes and says so on the channel', async () => {
    const notices: number[] = [];
    await subscriber.subscribe(REDIS_CHANNELS.rankingChanged);
    subscriber.on('message', (_, version: string) => notices.push(Number(version)));
    const before = Number(await redis.get(REDIS_KEYS.rankingVersion));
    await publish(campaign('one', 2, 510));
    await poll('new bid', async () => (await ranking(HOME))[0]?.maxCpcKrw === 510);
    const changed = await redis.zrangebyscore(REDIS_KEYS.rankingChanges, before + 1, '+inf');
    expect(changed).toContain(HOME);
    await poll('notice', async () => notices.some((version) => version > before));
    expect(Number(await redis.zscore(REDIS_KEYS.rankingChanges, HOME))).toBeGreaterThan(before);
    expect(await redis.get(REDIS_KEYS.rankingEpoch)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it(`shows a bid change within ${LATENCY_BOUND_MS} ms, nine times in ten`, async () => {
    const latenciesMs: number[] = [];
    for (let index = 0; index < BID_CHANGES; index++) {
      const maxCpcKrw = 1_000 + index;
      const start = performance.now();
      await publish(campaign('one', 10 + index, maxCpcKrw));
      await poll(
        'new bid',
        async () => (await ranking(HOME))[0]?.maxCpcKrw === maxCpcKrw,
        RANKING_DEADLINE_MS,
        2,
      );
      latenciesMs.push(performance.now() - start);
      await delay(index % 7);
    }
    const [p50, p95] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.95)];
    console.log(`bid change -> Redis: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms of ${BID_CHANGES}`);
    // Who waits for the checkpoint exceeds it two times in five; a machine that stalls delays a few.
    expect(quantile(latenciesMs, 0.9)).toBeLessThan(LATENCY_BOUND_MS);
  });

  it('deletes rankings that an earlier state left behind, once after a start from the log', async () => {
    await poll('swept', async () => (await redis.exists(LEFT_BEHIND)) === 0, SWEPT_WITHIN_MS, 100);
    expect(await adsIn(HOME)).toBe('ad-of-one ad-of-two');
  });

  it('writes everything again, under a new epoch, when Redis comes back empty', async () => {
    const epoch = await redis.get(REDIS_KEYS.rankingEpoch);
    await redis.flushdb();
    await poll('a new epoch', async () => {
      const found = await redis.get(REDIS_KEYS.rankingEpoch);
      return found !== null && found !== epoch;
    });
    // The epoch comes last: who sees it finds everything.
    expect(await adsIn(HOME)).toBe('ad-of-one ad-of-two');
    expect(await adsIn(SEARCH)).toBe('ad-of-one ad-of-two');
    await poll(
      'acknowledged',
      async () => (await redis.get(REDIS_KEYS.campaignAcknowledgement('one'))) !== null,
    );
  });
});

describe('the deployer', () => {
  it(
    'restores the state from the newest checkpoint when Flink forgot the job',
    async () => {
      const [job] = await ourJobs();
      await poll(
        'a checkpoint',
        async () => (await jobManager.checkpoints(job?.id ?? '')).completed > 0,
        30_000,
        200,
      );
      await jobManager.cancel(job?.id ?? '');
      // The newest one cannot be read: the deployer has to go on to the one before it.
      const [written] = readdirSync(checkpoints, { recursive: true })
        .map(String)
        .filter((file) => file.endsWith('_metadata'));
      const broken = path.join(checkpoints, path.dirname(path.dirname(written ?? '')), 'chk-999999');
      mkdirSync(broken);
      writeFileSync(path.join(broken, '_metadata'), 'not a checkpoint');
      await poll('the job is gone', async () => (await ourJobs()).length === 0);
      await redis.flushdb();
      await poll('restored', async () => submitted.at(-1) === 'restored', START_DEADLINE_MS, 100);
      await untilRunning();
      await untilAds(HOME, 'ad-of-one ad-of-two');
      await publish(campaign('two', 2, 90_000));
      await untilAds(HOME, 'ad-of-two ad-of-one');
    },
    START_DEADLINE_MS,
  );

  it(
    'takes over a running job, cancels a second one, and keeps the first',
    async () => {
      const [kept] = await ourJobs();
      await deployer.stop();
      const other = startDeployer(
        { ...config, FLINK_CHECKPOINT_DIR: `${checkpoints}/other` },
        log,
        { observed: () => undefined, submitted: () => undefined },
        rankingOnly,
        readText,
      );
      await poll(
        'the other takes over',
        async () => other.status()['rtb-ranking']?.running,
        START_DEADLINE_MS,
        100,
      );
      await other.stop();
      expect((await ourJobs()).map((job) => job.id)).toEqual([kept?.id]);
      expect(readdirSync(checkpoints)).not.toContain('other');
      deployer = startOurDeployer();
      await untilRunning();
      expect((await ourJobs()).map((job) => job.id)).toEqual([kept?.id]);
    },
    START_DEADLINE_MS,
  );
});
