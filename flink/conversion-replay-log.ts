import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { z } from 'zod';
import { TOPICS } from '../contracts/topics.js';
import type { KeptLog } from '../domain/conversion-replay.js';
import type { Config } from '../infra/config.js';
import { createKafka, groupName, topicName } from '../infra/kafka.js';

export type ReplayLogConfig = Pick<
  Config,
  'KAFKA_BROKERS' | 'TOPIC_PREFIX' | 'INSTANCE_NAME' | 'FLINK_MATCH_WATERMARK_SECONDS'
>;

/** The topics that a replay reads, by the name of the table that reads them. */
export const REPLAYED_TOPICS = {
  ad_clicks: TOPICS.adEvents,
  conversion_events: TOPICS.conversionEvents,
} as const;
export type ReplayedTable = keyof typeof REPLAYED_TOPICS;

/** Per table: partition to the offset of the next record that would be appended. */
export type LogEnds = Readonly<Record<ReplayedTable, Readonly<Record<string, number>>>>;

export interface ReplayLog extends KeptLog {
  readonly ends: LogEnds;
}

interface Reach {
  readonly ends: Readonly<Record<string, number>>;
  /** 0: every partition still has its first record. */
  readonly fromMs: number;
}

const FIRST_RECORDS_WITHIN_MS = 20_000;
const recordSchema = z.object({ recordedAt: z.number().int().positive() });

/**
 * From when to when the log reaches. `now` is business time, read before this call: what was recorded the watermark
 * delay before it has been appended, which the statement itself relies on.
 */
export async function readReplayLog(config: ReplayLogConfig, log: Logger, now: number): Promise<ReplayLog> {
  const kafka = createKafka(config, log);
  const admin = kafka.admin();
  await admin.connect();
  try {
    const delayMs = config.FLINK_MATCH_WATERMARK_SECONDS * 1_000;
    const reachOf = async (table: ReplayedTable): Promise<Reach> => {
      const topic = topicName(config, REPLAYED_TOPICS[table]);
      const offsets = await admin.fetchTopicOffsets(topic);
      const cut = offsets.filter(({ low }) => Number(low) > 0).map(({ partition }) => partition);
      const first = cut.length === 0 ? [] : await firstRecordedAt(kafka, config, topic, cut);
      return {
        ends: Object.fromEntries(offsets.map(({ partition, high }) => [String(partition), Number(high)])),
        fromMs: first.length === 0 ? 0 : Math.max(...first) + delayMs,
      };
    };
    const clicks = await reachOf('ad_clicks');
    const lines = await reachOf('conversion_events');
    return {
      ends: { ad_clicks: clicks.ends, conversion_events: lines.ends },
      clicksFromMs: clicks.fromMs,
      linesFromMs: lines.fromMs,
      completeUntilMs: now - delayMs,
    };
  } finally {
    await admin.disconnect();
  }
}

/** When the oldest kept record of each of these partitions was recorded. The clock's ticks leave none of them empty. */
async function firstRecordedAt(
  kafka: Kafka,
  config: ReplayLogConfig,
  topic: string,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const groupId = groupName(config, `conversion-replay-${randomUUID()}`);
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, maxBytesPerPartition: 65_536 });
  const found = new Map<number, number>();
  await consumer.connect();
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error(`the oldest records of ${topic} were not read in time`));
      timer = setTimeout(late, FIRST_RECORDS_WITHIN_MS);
      const eachBatch = async ({
        batch,
      }: {
        batch: { partition: number; messages: readonly { value: Buffer | null }[] };
      }) => {
        const times = batch.messages.flatMap(({ value }) => recordedAtOf(value) ?? []);
        const [first] = times;
        if (first !== undefined && !found.has(batch.partition)) found.set(batch.partition, first);
        if (partitions.every((partition) => found.has(partition))) resolve();
      };
      consumer.run({ autoCommit: false, eachBatch }).catch(reject);
    });
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
    await forgetGroup(kafka, groupId);
  }
  return partitions.flatMap((partition) => found.get(partition) ?? []);
}

function recordedAtOf(value: Buffer | null): number | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(value?.toString('utf8') ?? 'null')).data?.recordedAt;
  } catch {
    return undefined;
  }
}

/** A group that stays behind expires by itself. */
async function forgetGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin({ retry: { retries: 1 } });
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // Nothing depends on it.
  } finally {
    await admin.disconnect();
  }
}
