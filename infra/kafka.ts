import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { type TopicName, topicSpecs } from '../contracts/topics.js';
import type { Config } from './config.js';

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
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const line = { kafka: entry.namespace, error: entry.log.error, detail: entry.log.message };
      if (entry.level === logLevel.ERROR) log.warn(line, 'kafka client');
      else log.debug(line, 'kafka client');
    },
  });
}

/** `acks=all` is the caller's duty on each send; here are the settings that hold for the connection. */
export async function connectProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return producer;
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
        waitForLeaders: true,
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
    return missing.map((spec) => topicName(config, spec.name));
  } finally {
    await admin.disconnect();
  }
}

/** With `acks=all` an accepted click survives the loss of one broker: all but one copy must have it. */
function durability({ KAFKA_REPLICATION_FACTOR: copies }: TopicConfig): Record<string, string> {
  return { 'min.insync.replicas': String(Math.max(1, copies - 1)) };
}
