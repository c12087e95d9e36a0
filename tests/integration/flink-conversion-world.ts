import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { ProducerRecord } from 'kafkajs';
import { pino } from 'pino';
import { z } from 'zod';
import { startClockTicker } from '../../consumers/clock-ticker.js';
import { type AdEvent, adEventSchema, type ClockTick } from '../../contracts/events/ad-events.js';
import type { OrderLineCancelled, OrderLinePlaced } from '../../contracts/events/conversion-events.js';
import { HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import { type FlinkDeployer, startDeployer } from '../../flink/deployer.js';
import { request } from '../../flink/gateway-client.js';
import { JobManagerClient } from '../../flink/job-manager-client.js';
import { readFigures } from '../../flink/statement-figures.js';
import { STATEMENTS } from '../../flink/statements.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { type DatabasePool, openPool } from '../../infra/postgres.js';
import { cuttableLine } from '../support/cuttable-line.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { redisOfWorker } from '../support/flink/redis-of-worker.js';
import { poll } from '../support/poll.js';

const START_DEADLINE_MS = 150_000;
const CHECKPOINT_DEADLINE_MS = 60_000;
const NAMES = ['conversion-match-24h', 'performance-5m'];
/** Tests wait for checkpoints: not for five seconds each. */
const CHECKPOINTS = {
  'execution.checkpointing.interval': '1 s',
  'execution.checkpointing.min-pause': '200 ms',
};
const MATCH_WATERMARK_SECONDS = 2;
const WINDOW_MS = 300_000;
/** What a test may take of its window of five minutes, the clock's moves included. */
const ROOM_MS = 200_000;
/** Past the step of the next early result and the watermark delay. */
const STEP_MS = 16_000;

export interface AppendedEvent {
  readonly event: AdEvent;
  readonly typeHeader: string | undefined;
  readonly partition: number;
}

export type ConversionWorld = Awaited<ReturnType<typeof openConversionWorld>>;

/**
 * Kafka, the two statements on Flink, PostgreSQL and Redis, under names of their own. The lines from Flink to both
 * stores can be cut, and business time can be moved: `clock.offsetMs`.
 */
export async function openConversionWorld() {
  const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
  const db = await createTestDatabase();
  const lines = { postgres: await turnableLine(), redis: await turnableLine() };
  const { config, redis, flinkUrl, checkpoints } = addresses(db, lines);
  await redis.flushdb();
  await createTopics(config, log);
  const kafka = createKafka(config, log);
  const admin = kafka.admin();
  await admin.connect();
  const producer = await connectProducer(kafka);
  const timed = [TOPICS.adEvents, TOPICS.conversionEvents].map((topic) => topicName(config, topic));
  /**
   * Moves business time and says so in every partition at once. The ticker takes a move some seconds later, for
   * processes that have not heard of it: here is one, and what it sent before stands in the log before.
   */
  const moveOn = async (byMs: number): Promise<void> => {
    clock.offsetMs += byMs;
    await Promise.all(
      timed.map((topic) => producer.send(tickOf(topic, config.KAFKA_PARTITIONS, clock.now()))),
    );
  };
  const clock = {
    offsetMs: 0,
    now: () => Date.now() + clock.offsetMs,
    moveOn,
    /** So that a test does not run across the edge of a window. */
    beginWindow: () => {
      const left = WINDOW_MS - (clock.now() % WINDOW_MS);
      if (left < ROOM_MS) clock.offsetMs += left;
    },
    /** So that what was sent is matched without waiting for the watermark delay. */
    passMatch: () => moveOn(MATCH_WATERMARK_SECONDS * 1_000 + 1),
    /** To the next early result of the running window. */
    nextStep: () => moveOn(STEP_MS),
  };
  const tickers = timed.map((topic) =>
    startClockTicker({ producer, admin, log, now: clock.now }, topic, 100),
  );

  const appended: AppendedEvent[] = [];
  const consumer = kafka.consumer({ groupId: `${config.TOPIC_PREFIX}test`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topicName(config, TOPICS.adEvents)], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      const event = adEventSchema.parse(JSON.parse(message.value?.toString() ?? 'null'));
      if (!event.type.startsWith('AD_CONVER')) return;
      appended.push({ event, typeHeader: message.headers?.[HEADER_TYPE]?.toString(), partition });
    },
  });

  const jobManager = new JobManagerClient(config.FLINK_REST_URL);
  const submissions: string[] = [];
  const statements = STATEMENTS.filter((statement) => NAMES.includes(statement.name)).map((spec) => ({
    ...spec,
    settings: { ...spec.settings, ...CHECKPOINTS },
  }));
  const deployer = startDeployer(
    config,
    log,
    { observed: () => undefined, submitted: (statement, from) => submissions.push(`${statement} ${from}`) },
    statements,
  );
  await untilRunning(deployer);
  const flinkPool = openPool({ connectionString: flinkUrl, max: 1 });

  const send = (
    topic: (typeof TOPICS)[keyof typeof TOPICS],
    key: string,
    event: AdEvent | OrderLineCancelled | OrderLinePlaced,
  ) =>
    producer.send({
      topic: topicName(config, topic),
      acks: -1,
      messages: [{ key, value: JSON.stringify(event), headers: { [HEADER_TYPE]: event.type } }],
    });

  return {
    db,
    flinkPool,
    redis,
    clock,
    deployer,
    submissions,
    appended,
    lines,
    flink: flinkFacts(config, jobManager, deployer),
    untilRunning: () => untilRunning(deployer),
    sendAd: (key: string, event: AdEvent) => send(TOPICS.adEvents, key, event),
    sendOrder: (event: OrderLineCancelled | OrderLinePlaced) =>
      send(TOPICS.conversionEvents, event.deviceHash, event),
    close: async () => {
      await deployer.stop();
      const ours = (await jobManager.jobs()).filter((job) => job.name.startsWith(config.TOPIC_PREFIX));
      for (const job of ours) await jobManager.cancel(job.id);
      await Promise.all(tickers.map((ticker) => ticker.stop()));
      await consumer.disconnect();
      await poll('our jobs ended', async () =>
        (await jobManager.jobs())
          .filter((job) => job.name.startsWith(config.TOPIC_PREFIX))
          .every((job) => job.state === 'CANCELED'),
      );
      await Promise.all([lines.postgres.cut(), lines.redis.cut()]);
      await admin.deleteTopics({ topics: Object.values(TOPICS).map((topic) => topicName(config, topic)) });
      await Promise.all([producer.disconnect(), admin.disconnect()]);
      await redis.flushdb();
      redis.disconnect();
      await flinkPool.end();
      await db.drop();
      rmSync(checkpoints, { recursive: true, force: true });
    },
  };
}

function tickOf(topic: string, partitions: number, recordedAt: number): ProducerRecord {
  const tick: ClockTick = {
    eventId: `tick:${recordedAt}`,
    schemaVersion: 1,
    type: 'CLOCK_TICK',
    recordedAt,
  };
  const messages = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    key: 'clock-tick',
    value: JSON.stringify(tick),
    headers: { [HEADER_TYPE]: tick.type },
  }));
  return { topic, acks: -1, messages };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A line that can be cut, and turned to another server. */
async function turnableLine() {
  const line = await cuttableLine();
  let target: Address = { host: '127.0.0.1', port: 0 };
  const connectTo = (next: Address) => {
    target = next;
    line.connectTo(next);
  };
  return {
    port: line.port,
    cut: () => line.cut(),
    mend: () => line.mend(),
    connectTo,
    /** Ends what is connected; the next connections reach the other server. Gives the address of the one before. */
    turnTo: async (next: Address) => {
      const before = target;
      await line.cut();
      connectTo(next);
      await line.mend();
      return before;
    },
  };
}

/** Accepts connections and never says a word. */
export async function silentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: { host: '127.0.0.1', port: address.port },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** What Flink says about our two jobs and its TaskManagers. */
function flinkFacts(config: Config, jobManager: JobManagerClient, deployer: FlinkDeployer) {
  const jobIds = () => NAMES.map((name) => deployer.status()[name]?.jobId ?? '');
  const workers = z.object({ taskmanagers: z.array(z.object({ id: z.string() })) });
  const checkpoints = () => Promise.all(jobIds().map((id) => jobManager.checkpoints(id)));
  return {
    jobIds,
    cancel: (id: string) => jobManager.cancel(id),
    taskManagers: async () => (await request(`${config.FLINK_REST_URL}/taskmanagers`, workers)).taskmanagers,
    /** As Flink has collected them, sooner than the deployer asks. */
    figures: (name: string) => readFigures(jobManager, deployer.status()[name]?.jobId ?? ''),
    failures: () => Promise.all(jobIds().map((id) => jobManager.lastFailure(id))),
    failedCheckpoints: async () => (await checkpoints()).map(({ failed }) => failed),
    /** Two more of each job: the second one began after this call. */
    untilCheckpointed: async () => {
      const before = await checkpoints();
      await poll(
        'two checkpoints of each job',
        async () =>
          (await checkpoints()).every(
            ({ completed }, index) => completed >= (before[index]?.completed ?? 0) + 2,
          ),
        CHECKPOINT_DEADLINE_MS,
        200,
      );
    },
  };
}

function addresses(
  db: TestDatabase,
  lines: Record<'postgres' | 'redis', Awaited<ReturnType<typeof turnableLine>>>,
) {
  const shared = loadConfig();
  const redisUrl = new URL(redisOfWorker(shared.REDIS_URL));
  const flinkUrl = new URL(shared.FLINK_DATABASE_URL);
  flinkUrl.pathname = new URL(db.appUrl).pathname;
  lines.postgres.connectTo({ host: flinkUrl.hostname, port: Number(flinkUrl.port) });
  lines.redis.connectTo({ host: redisUrl.hostname, port: Number(redisUrl.port) });
  const throughLine = (url: URL, port: number) => {
    const other = new URL(url);
    other.host = `127.0.0.1:${port}`;
    return other.href;
  };
  const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-conversion-'));
  const config: Config = {
    ...shared,
    TOPIC_PREFIX: `flink-conv-${randomUUID().slice(0, 8)}-`,
    KAFKA_PARTITIONS: 2,
    REDIS_URL: redisUrl.href,
    FLINK_REDIS_URL: throughLine(redisUrl, lines.redis.port),
    FLINK_DATABASE_URL: throughLine(flinkUrl, lines.postgres.port),
    FLINK_MATCH_WATERMARK_SECONDS: MATCH_WATERMARK_SECONDS,
    FLINK_CHECKPOINT_DIR: checkpoints,
  };
  return { config, redis: new Redis(redisUrl.href), flinkUrl: flinkUrl.href, checkpoints };
}

function untilRunning(deployer: FlinkDeployer): Promise<boolean> {
  return poll(
    'both statements run',
    async () => NAMES.every((name) => deployer.status()[name]?.running),
    START_DEADLINE_MS,
    100,
  );
}

/** A campaign whose ads are counted: the advertiser of performance comes from it. */
export async function addCampaign(owner: DatabasePool, id: string, advertiserId: string): Promise<void> {
  await owner.query(
    `INSERT INTO advertiser (id, name, business_number, status) VALUES ($1, $1, $1, 'active') ON CONFLICT DO NOTHING`,
    [advertiserId],
  );
  await owner.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
     VALUES ($1, $2, $1, current_date, current_date, 10000, now())`,
    [id, advertiserId],
  );
}
