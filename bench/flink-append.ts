import { randomUUID } from 'node:crypto';
import type { Message, Producer } from 'kafkajs';
import { HEADER_TYPE } from '../contracts/topics.js';
import { type Config, loadConfig } from '../infra/config.js';
import { connectProducer, createKafka, createTopics } from '../infra/kafka.js';
import { createLogger } from '../infra/log.js';
import { campaignRecords, type LogRecord, type LogWish, PARTITIONS, ShopLog } from './flink-log.js';

/** Of all partitions together: Kafka takes a megabyte per partition and request. */
const BATCH_BYTES = 1_600_000;

export type TopicName = LogRecord['topic'];

interface Tally {
  records: number;
  bytes: number;
}

/** Topics of their own, and what lies in them. Settings come from the environment of the stack. */
export class AppendedLog {
  readonly #tallies = new Map<string, Tally>();
  readonly #ends: Record<TopicName, number[]> = {
    'ad-events': new Array<number>(PARTITIONS).fill(0),
    'conversion-events': new Array<number>(PARTITIONS).fill(0),
    'campaign-events': new Array<number>(PARTITIONS).fill(0),
  };

  private constructor(readonly config: Config) {}

  static async create(): Promise<AppendedLog> {
    const config: Config = {
      ...loadConfig(),
      TOPIC_PREFIX: `bench-${randomUUID().slice(0, 8)}-`,
      KAFKA_PARTITIONS: PARTITIONS,
    };
    await createTopics(config, createLogger(config, 'bench'));
    return new AppendedLog(config);
  }

  /** The whole of a log. */
  static async of(wish: LogWish): Promise<AppendedLog> {
    const log = await AppendedLog.create();
    await log.append(campaignRecords(wish.startMs));
    await log.append(new ShopLog(wish).records());
    return log;
  }

  /** Records per partition: both sides of a pair read exactly this. */
  endsOf(topic: TopicName): readonly number[] {
    return this.#ends[topic];
  }

  recordsIn(topics: readonly TopicName[]): number {
    return topics.flatMap((topic) => this.#ends[topic]).reduce((sum, end) => sum + end, 0);
  }

  /** Records and bytes per type, in words. */
  get mix(): string {
    return [...this.#tallies]
      .map(([name, { records, bytes }]) => `${records} ${name} of ${Math.round(bytes / records)} bytes`)
      .join(', ');
  }

  /** Resolves when Kafka has all of them, in this order: one batch at a time, since a repeated one would come late. */
  async append(records: Iterable<LogRecord>): Promise<void> {
    const producer = await connectProducer(createKafka(this.config, createLogger(this.config, 'bench')));
    try {
      for (const batch of this.#batches(records)) await this.#send(producer, batch);
    } finally {
      await producer.disconnect();
    }
  }

  *#batches(records: Iterable<LogRecord>): Generator<readonly LogRecord[]> {
    let batch: LogRecord[] = [];
    let bytes = 0;
    for (const record of records) {
      this.#count(record);
      batch.push(record);
      bytes += record.value.length;
      if (bytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) yield batch;
  }

  #send(producer: Producer, batch: readonly LogRecord[]): Promise<unknown> {
    const perTopic = new Map<TopicName, Message[]>();
    for (const { topic, key, partition, value, type } of batch) {
      const messages = perTopic.get(topic) ?? [];
      perTopic.set(topic, messages);
      messages.push({ key, partition, value, headers: { [HEADER_TYPE]: type } });
    }
    const topicMessages = [...perTopic].map(([topic, messages]) => ({
      topic: `${this.config.TOPIC_PREFIX}${topic}`,
      messages,
    }));
    return producer.sendBatch({ acks: -1, topicMessages });
  }

  #count({ topic, type, value, partition }: LogRecord): void {
    const ends = this.#ends[topic];
    ends[partition] = (ends[partition] ?? 0) + 1;
    const name = type === 'CLOCK_TICK' ? `${type} on ${topic}` : type;
    const tally = this.#tallies.get(name) ?? { records: 0, bytes: 0 };
    tally.records += 1;
    tally.bytes += value.length;
    this.#tallies.set(name, tally);
  }
}
