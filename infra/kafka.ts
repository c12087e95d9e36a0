import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { type TopicName, topicSpecs } from '../contracts/topics.js';
import type { Config } from './config.js';
import { kafkaSocket } from './kafka-socket.js';

type KafkaConfig = Pick<Config, 'KAFKA_BROKERS' | 'TOPIC_PREFIX' | 'INSTANCE_NAME'>;
type TopicConfig = KafkaConfig & Pick<Config, 'KAFKA_PARTITIONS' | 'KAFKA_REPLICATION_FACTOR'>;

/** Real topic name: prefix (tests that share a broker) + business name. */
export const topicName = (config: Pick<Config, 'TOPIC_PREFIX'>, topic: TopicName) =>
  `${config.TOPIC_PREFIX}${topic}`;

export const groupName = (config: Pick<Config, 'TOPIC_PREFIX'>, group: string) =>
  `${config.TOPIC_PREFIX}${group}`;

export function createKafka(config: KafkaConfig, log: Logger): Kafka {
  return new Kafka({
    clientId: config.INSTANCE_NAME,
    brokers: [...config.KAFKA_BROKERS],
    connectionTimeout: 2_000,
    requestTimeout: 10_000,
    socketFactory: kafkaSocket,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const line = { kafka: entry.namespace, error: entry.log.error, detail: entry.log.message };
      if (entry.level === logLevel.ERROR) log.warn(line, 'kafka client');
      else log.debug(line, 'kafka client');
    },
  });
}

/** A partition that was added is written to after this long at the latest. */
const METADATA_MAX_AGE_MS = 60_000;

/** `acks=all` is the caller's duty on each send; here are the settings that hold for the connection. */
export async function connectProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: METADATA_MAX_AGE_MS });
  await producer.connect();
  return producer;
}

/** One record as it is appended by `appendRecord`. */
export interface AppendedRecord {
  readonly topic: string;
  readonly key: string | null;
  /** Chosen by the key unless it is named. */
  readonly partition?: number;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

const APPEND_WITHIN_MS = 10_000;

/**
 * Appends one record durably over a connection of its own: for rare acts of a person in processes that hold no
 * producer. Throws when the log does not take it within ten seconds; it may have been taken all the same.
 */
export async function appendRecord(config: KafkaConfig, log: Logger, record: AppendedRecord): Promise<void> {
  const { topic, key, value, headers, partition } = record;
  const producer = createKafka(config, log).producer({ allowAutoTopicCreation: false });
  const append = async () => {
    await producer.connect();
    const message = {
      key,
      value,
      headers: { ...headers },
      ...(partition === undefined ? {} : { partition }),
    };
    await producer.send({ topic, acks: -1, messages: [message] });
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${topic} did not take the record in time`)), APPEND_WITHIN_MS);
  });
  try {
    await Promise.race([append(), late]);
  } finally {
    clearTimeout(timer);
    producer.disconnect().catch((error: unknown) => log.debug({ error: String(error) }, 'not disconnected'));
  }
}

/** Creates the topics that are missing. Existing ones are left as they are. */
export async function createTopics(config: TopicConfig, log: Logger): Promise<readonly string[]> {
  const admin = createKafka(config, log).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = topicSpecs(config.KAFKA_PARTITIONS).filter(
      (spec) => !existing.has(topicName(config, spec.name)),
    );
    if (missing.length > 0) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map((spec) => ({
          topic: topicName(config, spec.name),
          numPartitions: spec.partitions,
          replicationFactor: config.KAFKA_REPLICATION_FACTOR,
          configEntries: Object.entries({ ...spec.config, ...durability(config) }).map(([name, value]) => ({
            name,
            value,
          })),
        })),
      });
    }
    const created = missing.map((spec) => topicName(config, spec.name));
    await haveLeaders(admin, created);
    return created;
  } finally {
    await admin.disconnect();
  }
}

const LEADERS_WITHIN_MS = 15_000;
const LEADERS_AGAIN_MS = 100;

/** kafkajs's own wait gives up at a broker that has not heard of the new topic yet, as one that just started. */
async function haveLeaders(admin: Admin, topics: readonly string[]): Promise<void> {
  const deadline = Date.now() + LEADERS_WITHIN_MS;
  while (topics.length > 0) {
    try {
      const found = await admin.fetchTopicMetadata({ topics: [...topics] });
      if (topics.every((topic) => hasLeaders(found.topics, topic))) return;
    } catch (error) {
      // A class of kafkajs cannot be imported by name: it is no module.
      if (!(error instanceof Error && 'retriable' in error && error.retriable === true)) throw error;
    }
    if (Date.now() > deadline)
      throw new Error(`${topics.join(', ')}: no leader within ${LEADERS_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LEADERS_AGAIN_MS));
  }
}

type TopicsFound = Awaited<ReturnType<Admin['fetchTopicMetadata']>>['topics'];

/** What is not told of, or has no partition yet, has no leader either. */
export function hasLeaders(found: TopicsFound, topic: string): boolean {
  const partitions = found.find(({ name }) => name === topic)?.partitions ?? [];
  return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
}

/** With `acks=all` an accepted click survives the loss of one broker: all but one copy must have it. */
function durability({ KAFKA_REPLICATION_FACTOR: copies }: TopicConfig): Record<string, string> {
  return { 'min.insync.replicas': String(Math.max(1, copies - 1)) };
}
