import { randomUUID } from 'node:crypto';
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs';
import { poll } from '../../support/poll.js';

/** What a record of the log says, by its own field names. */
export type LoggedFields = Readonly<Record<string, unknown>>;

/** Every event of these types, up to now, each partition in its order. Ticks and others are not even parsed. */
export async function readLog(
  brokers: string,
  topic: string,
  types: readonly string[],
): Promise<LoggedFields[]> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const ends = await endsOf(kafka, topic);
  const reached = new Map<number, number>();
  const events: LoggedFields[] = [];
  const consumer = kafka.consumer({ groupId: `proof-${randomUUID()}`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const eachMessage = async ({ partition, message }: EachMessagePayload) => {
      reached.set(partition, Number(message.offset));
      if (Number(message.offset) >= (ends.get(partition) ?? 0)) return;
      if (types.includes(String(message.headers?.type)))
        events.push(JSON.parse(String(message.value)) as LoggedFields);
    };
    await consumer.run({ eachMessage });
    const isRead = () => [...ends].every(([partition, end]) => (reached.get(partition) ?? -1) >= end - 1);
    await poll(`${topic} is read to its end`, () => Promise.resolve(isRead()), 120_000, 100);
  } finally {
    await consumer.disconnect();
  }
  return events;
}

async function endsOf(kafka: Kafka, topic: string): Promise<Map<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  } finally {
    await admin.disconnect();
  }
}
