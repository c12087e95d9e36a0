import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import { z } from 'zod';
import { TOPICS, type TopicName } from '../../../contracts/topics.js';
import { poll } from '../../support/poll.js';
import { type Logged, parsed } from './records.js';

const NAMES: readonly TopicName[] = Object.values(TOPICS);
const timed = z.object({ type: z.string(), recordedAt: z.number() });
const READ_WITHIN_MS = 60_000;

/** Topic and partition to the offset of the next record. */
export type Position = ReadonlyMap<string, number>;
export const placeOf = (topic: string, partition: number) => `${topic}/${partition}`;

interface Reading {
  next: number;
  maxRecordedAt: number;
  /** Newest CLOCK_TICK: its event time and its offset. */
  tick: { readonly recordedAt: number; readonly offset: number };
}

/** Follows the three topics from their start, beside Flink and independent of it: what the rules are applied to. */
export async function openLog(kafka: Kafka, admin: Admin, partitions: number) {
  const readings = new Map<string, Reading>();
  for (const topic of NAMES) {
    for (let partition = 0; partition < partitions; partition++) {
      const tick = { recordedAt: 0, offset: -1 };
      readings.set(placeOf(topic, partition), { next: 0, maxRecordedAt: 0, tick });
    }
  }
  let unread: Logged[] = [];
  let wrong: Error | undefined;
  const take = (topic: TopicName, partition: number, offset: number, value: unknown) => {
    const reading = readings.get(placeOf(topic, partition));
    // After a rebalance of the group some records come once more.
    if (reading === undefined || offset < reading.next) return;
    const { type, recordedAt } = timed.parse(value);
    if (type === 'CLOCK_TICK') reading.tick = { recordedAt, offset };
    else unread.push({ ...parsed(topic, value), partition, offset, maxBefore: reading.maxRecordedAt });
    reading.next = offset + 1;
    reading.maxRecordedAt = Math.max(reading.maxRecordedAt, recordedAt);
  };
  const consumer = kafka.consumer({ groupId: `flink-recovery-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...NAMES], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      const name = NAMES.find((known) => known === topic);
      const text = message.value?.toString() ?? 'null';
      try {
        if (name !== undefined) take(name, partition, Number(message.offset), JSON.parse(text));
      } catch (error) {
        wrong ??= new Error(`${placeOf(topic, partition)}@${message.offset} is no event of ours: ${text}`, {
          cause: error,
        });
      }
    },
  });

  return {
    /** What has been read since the last call; each partition in its order. */
    take: (): readonly Logged[] => {
      const taken = unread;
      unread = [];
      return taken;
    },
    /** Until everything that is in the topics now has been read here. */
    readToEnd: async (): Promise<void> => {
      const ends = await endsOf(admin);
      const isRead = async () => [...ends].every(([place, end]) => (readings.get(place)?.next ?? 0) >= end);
      await poll('the topics are read to their ends', isRead, READ_WITHIN_MS, 50);
      if (wrong !== undefined) throw wrong;
    },
    /** Until a tick of this time or later stands in every partition of both topics with ticks: just behind it. */
    untilTicked: async (recordedAt: number): Promise<Position> => {
      const ticked = [...readings].filter(([place]) => !place.startsWith(TOPICS.campaignEvents));
      const isTicked = async () => ticked.every(([, { tick }]) => tick.recordedAt >= recordedAt);
      await poll('event time has come this far in every partition', isTicked, READ_WITHIN_MS, 50);
      return new Map(ticked.map(([place, { tick }]) => [place, tick.offset + 1]));
    },
    close: () => consumer.disconnect(),
  };
}

async function endsOf(admin: Admin): Promise<Position> {
  const ends = new Map<string, number>();
  for (const topic of NAMES) {
    for (const { partition, high } of await admin.fetchTopicOffsets(topic))
      ends.set(placeOf(topic, partition), Number(high));
  }
  return ends;
}
