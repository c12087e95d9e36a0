import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { z } from 'zod';
import { adConversionReversedSchema, adConvertedSchema } from '../../../contracts/events/ad-events.js';
import { HEADER_TYPE, TOPICS } from '../../../contracts/topics.js';
import { startDeployer } from '../../../flink/deployer.js';
import { hasEnded, JobManagerClient } from '../../../flink/job-manager-client.js';
import { STATEMENTS } from '../../../flink/statements.js';
import { type Config, loadConfig } from '../../../infra/config.js';
import { connectProducer, createKafka, createTopics, groupName, topicName } from '../../../infra/kafka.js';
import { createTestDatabase } from '../../support/database.js';
import type { ConversionEventRow } from '../../support/flink/conversion-oracle.js';
import { poll } from '../../support/poll.js';
import type { ProofContext } from '../proof.js';
import { append, appendEverywhere } from './appended.js';
import type { EventLog } from './logs.js';

/** More partitions than subtasks, so that one of them reads two. */
const PARTITIONS = 4;
const PARALLELISM = 2;
const RUNNING_WITHIN_MS = 240_000;
/** Exactly what the contract says, and nothing beside it. */
const conversionEventSchema = z.discriminatedUnion('type', [
  adConvertedSchema.strict(),
  adConversionReversedSchema.strict(),
]);

/**
 * Two sets of topics. The match appends conversions to ad-events, stamped by the age of the records in real time: in a
 * log of the past that is anywhere between late and not, depending on who reads faster. So performance and ranking read
 * topics of their own, in which conversions stand as they are told in operation.
 */
const READERS = { counts: ['rtb-ranking', 'performance-5m'], match: ['conversion-match-24h'] } as const;
type Side = keyof typeof READERS;
const SIDES: readonly Side[] = ['counts', 'match'];

export type OracleWorld = Awaited<ReturnType<typeof openOracleWorld>>;

/** The statements as they are deployed, between topics, Redis and PostgreSQL of this proof. */
export async function openOracleWorld({ stack }: ProofContext) {
  Object.assign(process.env, stack.env);
  const log = pino({ level: process.env.LOG_LEVEL ?? 'error' });
  const db = await createTestDatabase();
  const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-oracle-'));
  const configs = {
    counts: configOf('counts', db.appUrl, checkpoints),
    match: configOf('match', db.appUrl, checkpoints),
  };
  for (const side of SIDES) await createTopics(configs[side], log);
  const kafka = createKafka(configs.counts, log);
  const producer = await connectProducer(kafka);
  const { appended, stop } = await followConversions(kafka, configs.match);
  const redis = new Redis(configs.counts.REDIS_URL);
  const jobManager = new JobManagerClient(configs.counts.FLINK_REST_URL);
  const deployers: ReturnType<typeof startDeployer>[] = [];
  const statuses = () =>
    Object.fromEntries(deployers.flatMap((deployer) => Object.entries(deployer.status())));

  return {
    db,
    redis,
    configs,
    statuses,
    /** Conversions and reversals that Flink appended, in the order of their partitions, repetitions included. */
    appended,
    append: (side: Side, logs: readonly EventLog[]) => append(producer, configs[side], logs),
    tick: async (rows: readonly unknown[]) => {
      for (const side of SIDES) await appendEverywhere(producer, configs[side], rows);
    },
    /** Deploys each statement by the product's deployer, and waits until all of them run. */
    deploy: async () => {
      const events = { observed: () => undefined, submitted: () => undefined };
      for (const side of SIDES) {
        const own: readonly string[] = READERS[side];
        const specs = STATEMENTS.filter((statement) => own.includes(statement.name));
        deployers.push(startDeployer(configs[side], log, events, specs));
      }
      const running = () => Object.values(statuses()).every((status) => status.running);
      await poll('the statements run', async () => running(), RUNNING_WITHIN_MS, 200);
    },
    close: async () => {
      await Promise.all(deployers.map((deployer) => deployer.stop()));
      for (const job of await jobManager.jobs()) if (!hasEnded(job)) await jobManager.cancel(job.id);
      await poll('the jobs ended', async () => (await jobManager.jobs()).every(hasEnded));
      redis.disconnect();
      await stop();
      await producer.disconnect();
      await db.drop();
      rmSync(checkpoints, { recursive: true, force: true });
    },
  };
}

async function followConversions(kafka: Kafka, config: Config) {
  const appended: ConversionEventRow[] = [];
  const consumer = kafka.consumer({ groupId: groupName(config, 'flink-oracle'), maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topicName(config, TOPICS.adEvents)], fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { headers, value } of batch.messages) {
        if (!headers?.[HEADER_TYPE]?.toString().startsWith('AD_CONVER')) continue;
        appended.push(conversionEventSchema.parse(JSON.parse(value?.toString() ?? 'null')));
      }
    },
  });
  return { appended, stop: () => consumer.disconnect() };
}

function configOf(side: Side, databaseUrl: string, checkpoints: string): Config {
  const shared = loadConfig();
  const flinkUrl = new URL(shared.FLINK_DATABASE_URL);
  flinkUrl.pathname = new URL(databaseUrl).pathname;
  return {
    ...shared,
    TOPIC_PREFIX: `${side}-`,
    KAFKA_PARTITIONS: PARTITIONS,
    FLINK_PARALLELISM: PARALLELISM,
    FLINK_DATABASE_URL: flinkUrl.href,
    FLINK_CHECKPOINT_DIR: path.join(checkpoints, side),
  };
}
