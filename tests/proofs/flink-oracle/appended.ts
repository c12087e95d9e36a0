import type { Producer } from 'kafkajs';
import {
  campaignKey,
  HEADER_TYPE,
  RANKING_PARAMETERS_KEY,
  servingKey,
  TOPICS,
} from '../../../contracts/topics.js';
import type { Config } from '../../../infra/config.js';
import { topicName } from '../../../infra/kafka.js';
import { merged, recordedAtOf } from '../../support/flink/named-logs.js';
import type { EventLog } from './logs.js';

/** Records of many logs in one, keyed as the product keys them, in the order of their time. */

/** All of it may go to one partition, whose broker takes a megabyte at once. */
const BATCH_BYTES = 900_000;
/** Key, headers and offsets. */
const RECORD_OVERHEAD_BYTES = 100;

/** A field that is a text, of a row of any shape: a million rows are too many for a schema each. */
export function textIn(row: unknown, name: string): string | undefined {
  const found: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined;
  return typeof found === 'string' ? found : undefined;
}

function firstRequestOf(row: unknown): string | undefined {
  const served: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'served') : undefined;
  return Array.isArray(served) ? textIn(served[0], 'requestId') : undefined;
}

interface Message {
  readonly recordedAt: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Topic = (typeof TOPICS)[keyof typeof TOPICS];

/** One advertiser's clicks are in order, one device's orders, one order line's conversions. */
function keyOf(topic: Topic, row: unknown, type: string | undefined): string {
  if (topic === TOPICS.conversionEvents) return textIn(row, 'deviceHash') ?? 'unknown';
  if (topic === TOPICS.campaignEvents) {
    if (type === 'RANKING_PARAMETERS_CHANGED') return RANKING_PARAMETERS_KEY;
    const id = textIn(row, 'campaignId') ?? 'unknown';
    return type === 'CAMPAIGN_SERVING_CHANGED' ? servingKey(id) : campaignKey(id);
  }
  if (type === 'AD_CLICKED' || type === 'AD_CLICK_DECIDED') return textIn(row, 'advertiserId') ?? 'unknown';
  return textIn(row, 'orderLineId') ?? textIn(row, 'requestId') ?? firstRequestOf(row) ?? 'unknown';
}

function messagesOf(topic: Topic, rows: readonly unknown[]): Message[] {
  return rows.map((row) => {
    const type = textIn(row, 'type');
    return {
      recordedAt: recordedAtOf(row) ?? 0,
      key: keyOf(topic, row, type),
      value: JSON.stringify(row),
      headers: { [HEADER_TYPE]: type ?? 'unknown' },
    };
  });
}

/** Appends these logs to the topics of one prefix, all of them together, by their running time. */
export async function append(
  producer: Producer,
  config: Pick<Config, 'TOPIC_PREFIX'>,
  logs: readonly EventLog[],
): Promise<number> {
  const topics: readonly [Topic, (log: EventLog) => readonly unknown[]][] = [
    [TOPICS.campaignEvents, (log) => log.campaignEvents],
    [TOPICS.adEvents, (log) => log.adEvents],
    [TOPICS.conversionEvents, (log) => log.conversionEvents],
  ];
  let appended = 0;
  for (const [topic, rowsOf] of topics) {
    const messages = merged(logs.map((log) => messagesOf(topic, rowsOf(log))));
    await send(producer, topicName(config, topic), messages);
    appended += messages.length;
  }
  return appended;
}

/** The same rows to every partition of these topics: ticks. */
export async function appendEverywhere(
  producer: Producer,
  config: Pick<Config, 'TOPIC_PREFIX' | 'KAFKA_PARTITIONS'>,
  rows: readonly unknown[],
): Promise<void> {
  for (const topic of [TOPICS.adEvents, TOPICS.conversionEvents]) {
    const partitions = Array.from({ length: config.KAFKA_PARTITIONS }, (_, partition) => partition);
    const messages = messagesOf(topic, rows).flatMap((message) =>
      partitions.map((partition) => ({ ...message, key: 'clock-tick', partition })),
    );
    await send(producer, topicName(config, topic), messages);
  }
}

async function send(
  producer: Producer,
  topic: string,
  messages: readonly (Message & { readonly partition?: number })[],
): Promise<void> {
  let batch: { key: string; value: string; headers: Record<string, string>; partition?: number }[] = [];
  let bytes = 0;
  const flush = async () => {
    if (batch.length > 0) await producer.send({ topic, acks: -1, messages: batch });
    batch = [];
    bytes = 0;
  };
  for (const { recordedAt: _, headers, ...message } of messages) {
    const size = Buffer.byteLength(message.value) + RECORD_OVERHEAD_BYTES;
    if (bytes + size > BATCH_BYTES) await flush();
    batch.push({ ...message, headers: { ...headers } });
    bytes += size;
  }
  await flush();
}
