import path from 'node:path';
import type { Admin, Producer } from 'kafkajs';
import { type Logger, pino } from 'pino';
import { startClockTicker } from '../../../consumers/clock-ticker.js';
import { HEADER_TYPE, TOPICS } from '../../../contracts/topics.js';
import { type FlinkDeployer, startDeployer } from '../../../flink/deployer.js';
import { STATEMENTS } from '../../../flink/statements.js';
import { type Config, loadConfig } from '../../../infra/config.js';
import { connectProducer, createKafka, createTopics } from '../../../infra/kafka.js';
import { openPool } from '../../../infra/postgres.js';
import { RankingCopy } from '../../../infra/ranking-copy.js';
import { createRedis } from '../../../infra/redis.js';
import { deployMigrations } from '../../../prisma/migrate.js';
import type { Stack } from '../../../stack/start-stack.js';
import { poll } from '../../support/poll.js';
import { openLog, type Position, placeOf } from './log.js';
import type { Sent } from './records.js';

const TICK_EVERY_MS = 200;
const FIRST_START_MS = 240_000;
const NAMES = STATEMENTS.map(({ name }) => name);

/** When a statement was last seen with a complete checkpoint of its running job, and when that checkpoint was. */
interface Seen {
  running: boolean;
  checkpointAtMs: number;
  detail: string;
}

export interface Submission {
  readonly statement: string;
  readonly from: 'restored' | 'fresh';
  readonly atMs: number;
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/**
 * The product around the three statements, in this process: deployer, clock ticker, the ad servers' copy of the
 * rankings. Business time is real time and `clock.offsetMs`, which only grows, as in a demonstration.
 */
export async function openWorld(stack: Stack) {
  const config = loadConfig({ ...stack.env });
  const log = pino({ level: 'info' }, pino.destination(path.join(stack.dataDir, 'deployer.log')));
  await deployMigrations(config.DATABASE_OWNER_URL);
  await createTopics(config, log);
  const kafka = createKafka(config, log);
  const admin = kafka.admin();
  await admin.connect();
  const producer = await connectProducer(kafka);
  const clock = { offsetMs: 0, now: () => Date.now() + clock.offsetMs };
  // No tick is ahead of what is being stamped or sent: on a machine that stands still for seconds, or while this process
  // collects garbage, records would come late.
  const sending = { sinceMs: Number.POSITIVE_INFINITY };
  const ticked = () => Math.min(Date.now(), sending.sinceMs) + clock.offsetMs;
  const tickers = [TOPICS.adEvents, TOPICS.conversionEvents].map((topic) =>
    startClockTicker({ producer, admin, log, now: ticked }, topic, TICK_EVERY_MS),
  );
  const eventLog = await openLog(kafka, admin, config.KAFKA_PARTITIONS);
  const pool = openPool({ connectionString: config.DATABASE_OWNER_URL, max: 2 });
  const rankings = openRankings(config, log);
  const statements = watchStatements(config, log);

  return {
    stack,
    clock,
    eventLog,
    pool,
    ...rankings,
    statements,
    /** Sends what happens now; returns how much it was. */
    send: async (happens: () => readonly Sent[]): Promise<number> => {
      sending.sinceMs = Date.now();
      const records = happens();
      await send(producer, clock.offsetMs, records);
      sending.sinceMs = Number.POSITIVE_INFINITY;
      return records.length;
    },
    untilCommitted: (names: readonly string[], position: Position, deadlineMs: number) =>
      untilCommitted(admin, names, position, deadlineMs),
    close: async () => {
      await statements.deployer.stop();
      await Promise.all(tickers.map((ticker) => ticker.stop()));
      await eventLog.close();
      await rankings.copy.close();
      for (const redis of rankings.connections) redis.disconnect();
      await Promise.all([producer.disconnect(), admin.disconnect(), pool.end()]);
    },
  };
}

function openRankings(config: Config, log: Logger) {
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const subscriber = createRedis(config.REDIS_URL, log);
  const badBlobs: string[] = [];
  const copy = new RankingCopy({ redis, subscriber, log, onBadBlob: (key) => badBlobs.push(key) });
  return { redis, copy, badBlobs, connections: [redis, subscriber] };
}

/** The real deployer, and what it says. */
function watchStatements(config: Config, log: Logger) {
  const submissions: Submission[] = [];
  const seen = new Map<string, Seen>();
  const deployer: FlinkDeployer = startDeployer(config, log, {
    observed: (statement, { running, checkpointAgeMs, detail }) => {
      const checkpointAtMs = checkpointAgeMs === undefined ? 0 : Date.now() - checkpointAgeMs;
      seen.set(statement, { running, checkpointAtMs, detail });
    },
    submitted: (statement, from) => submissions.push({ statement, from, atMs: Date.now() }),
  });
  /** Every statement runs, and has written a whole checkpoint since then. */
  const areWholeSince = (atMs: number) =>
    NAMES.every((name) => {
      const statement = seen.get(name);
      return statement?.running === true && statement.checkpointAtMs > atMs;
    });
  const describe = () => NAMES.map((name) => `${name}: ${seen.get(name)?.detail ?? 'not seen'}`).join('; ');
  return {
    deployer,
    submissions,
    areWholeSince,
    describe,
    untilWholeSince: (atMs: number, deadlineMs = FIRST_START_MS) =>
      poll(
        'every statement runs and writes checkpoints',
        async () => areWholeSince(atMs),
        deadlineMs,
        100,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${describe()}`);
      }),
  };
}

/** In one request a topic, so that the order in each partition is the one given; durable before it returns. */
async function send(producer: Producer, offsetMs: number, records: readonly Sent[]): Promise<void> {
  if (records.length === 0) return;
  const topicMessages = Object.values(TOPICS).map((topic) => ({
    topic,
    messages: records
      .filter((record) => record.topic === topic)
      .map(({ key, event }) => ({
        key,
        value: JSON.stringify(event),
        headers: { [HEADER_TYPE]: event.type },
        // Kafka's own time is real time; the event was recorded then.
        timestamp: String(event.recordedAt - offsetMs),
      })),
  }));
  await producer.sendBatch({
    acks: -1,
    topicMessages: topicMessages.filter(({ messages }) => messages.length > 0),
  });
}

/**
 * Until the newest checkpoint of each statement holds everything before this position: Flink commits the offsets of
 * its checkpoints to a group of the statement's name. Its sinks then have every row that follows from it.
 */
async function untilCommitted(
  admin: Admin,
  names: readonly string[],
  position: Position,
  deadlineMs: number,
): Promise<void> {
  for (const name of names) {
    const topics =
      name === 'conversion-match-24h' ? [TOPICS.adEvents, TOPICS.conversionEvents] : [TOPICS.adEvents];
    let behind: string[] = [];
    const isPast = async () => {
      const committed = await admin.fetchOffsets({ groupId: `flink-${name}`, topics });
      behind = committed.flatMap(({ topic, partitions }) =>
        partitions
          .filter(({ partition, offset }) => Number(offset) < (position.get(placeOf(topic, partition)) ?? 0))
          .map(({ partition, offset }) => `${placeOf(topic, partition)} at ${offset}`),
      );
      return behind.length === 0;
    };
    await poll(`${name} has taken in the log`, isPast, deadlineMs, 250).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${behind.join(', ')}`);
    });
  }
}
