import type { Admin, Producer } from 'kafkajs';
import type { Logger } from 'pino';
import type { ClockTick } from '../contracts/events/ad-events.js';
import { HEADER_TYPE } from '../contracts/topics.js';
import { createTickClock } from './tick-clock.js';

export interface ClockTickerDeps {
  readonly producer: Producer;
  readonly admin: Admin;
  readonly log: Logger;
  /** Business clock, epoch ms. Ticks are never stamped ahead of it, and follow a move of it some seconds later. */
  readonly now: () => number;
}

/**
 * Appends a CLOCK_TICK to every partition of a topic at a fixed pace, so that event time moves when nobody
 * shops: Flink's watermark is the slowest partition's. A tick that cannot be sent is simply left out.
 */
export function startClockTicker(
  deps: ClockTickerDeps,
  topic: string,
  everyMs: number,
): { stop(): Promise<void> } {
  let partitions: number[] = [];
  let sending: Promise<void> | null = null;
  let failing = false;
  const tickTime = createTickClock(deps.now);

  const refresh = async () => {
    const metadata = await deps.admin.fetchTopicMetadata({ topics: [topic] });
    partitions = metadata.topics[0]?.partitions.map((partition) => partition.partitionId) ?? [];
  };
  const tick = async () => {
    try {
      if (partitions.length === 0) await refresh();
      const recordedAt = tickTime();
      const value: ClockTick = {
        eventId: `tick:${recordedAt}`,
        schemaVersion: 1,
        type: 'CLOCK_TICK',
        recordedAt,
      };
      const text = JSON.stringify(value);
      await deps.producer.send({
        topic,
        acks: 1,
        messages: partitions.map((partition) => ({
          partition,
          key: 'clock-tick',
          value: text,
          headers: { [HEADER_TYPE]: 'CLOCK_TICK' },
        })),
      });
      if (failing) deps.log.info({ topic }, 'clock ticks again');
      failing = false;
    } catch (error) {
      if (!failing) deps.log.warn({ topic, error: String(error) }, 'clock tick not sent');
      failing = true;
    }
  };
  const timer = setInterval(() => {
    if (sending !== null) return;
    sending = tick().finally(() => {
      sending = null;
    });
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await sending;
    },
  };
}
