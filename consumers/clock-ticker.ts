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

/** Partitions that were added are ticked into after this long: without a tick, event time waits for them for ever. */
const PARTITIONS_EVERY_MS = 60_000;
/** After an error they are read again after this long. */
const RETRY_MS = 1_000;

/**
 * Appends a CLOCK_TICK to every partition of a topic at a fixed pace, so that event time moves when nobody
 * shops: Flink's watermark is the slowest partition's. A tick that cannot be sent is simply left out.
 */
export function startClockTicker(
  deps: ClockTickerDeps,
  topic: string,
  everyMs: number,
  partitionsEveryMs = PARTITIONS_EVERY_MS,
): { stop(): Promise<void> } {
  let partitions: number[] = [];
  let sending: Promise<void> | null = null;
  let failing = false;
  let refreshedAt = 0;
  const tickTime = createTickClock(deps.now);

  const refresh = async () => {
    const metadata = await deps.admin.fetchTopicMetadata({ topics: [topic] });
    partitions = metadata.topics[0]?.partitions.map((partition) => partition.partitionId) ?? [];
    refreshedAt = Date.now();
  };
  const tick = async () => {
    try {
      if (partitions.length === 0 || Date.now() - refreshedAt >= partitionsEveryMs) await refresh();
      const recordedAt = tickTime();
      const value: ClockTick = {
        eventId: `tick:${recordedAt}`,
        schemaVersion: 1,
        type: 'CLOCK_TICK',
        recordedAt,
      };
      const text = JSON.stringify(value);
      const taken = await deps.producer.send({
        topic,
        acks: 1,
        messages: partitions.map((partition) => ({
          partition,
          key: 'clock-tick',
          value: text,
          headers: { [HEADER_TYPE]: 'CLOCK_TICK' },
        })),
      });
      // The client leaves out, without a word, what goes to a partition that it has not heard of yet.
      const missed = partitions.filter((partition) => !taken.some((one) => one.partition === partition));
      if (missed.length > 0) throw new Error(`partitions ${missed.join(', ')} took no tick`);
      if (failing) deps.log.info({ topic }, 'clock ticks again');
      failing = false;
    } catch (error) {
      if (!failing) deps.log.warn({ topic, error: String(error) }, 'clock tick not sent');
      failing = true;
      // The topic may be another one now: look again, but not at every tick.
      refreshedAt = Math.min(refreshedAt, Date.now() - partitionsEveryMs + RETRY_MS);
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
