import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startClockTicker } from '../../consumers/clock-ticker.js';
import { loadConfig } from '../../infra/config.js';
import { createKafka } from '../../infra/kafka.js';
import { poll } from '../support/poll.js';

/** Both the ticker and its client look again after this long: a minute in production. */
const LOOK_AGAIN_MS = 200;

it('partitions that are added to a topic are ticked into as well: event time would wait for them for ever', async () => {
  const log = pino({ level: 'silent' });
  const config = loadConfig();
  const kafka = createKafka(config, log);
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: LOOK_AGAIN_MS });
  await Promise.all([admin.connect(), producer.connect()]);
  const topic = `clock-ticker-${randomUUID().slice(0, 8)}`;
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] });
  /** By a client of its own each time: one that knows the topic already would not see the new partitions. */
  const ticksOf = async () => {
    const reader = createKafka(config, log).admin();
    await reader.connect();
    // A partition that was made a moment ago has no leader yet: nothing is known then.
    const offsets = await reader
      .fetchTopicOffsets(topic)
      .catch(() => [])
      .finally(() => reader.disconnect());
    return offsets.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  };
  const ticker = startClockTicker({ producer, admin, log, now: Date.now }, topic, 20, LOOK_AGAIN_MS);
  try {
    await poll('ticks in both', async () => {
      const ticks = await ticksOf();
      return ticks.length === 2 && ticks.every((count) => count > 2);
    });
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    const before = await poll('ticks in all five', async () => {
      const ticks = await ticksOf();
      return ticks.length === 5 && ticks.every((count) => count > 2) ? ticks : undefined;
    });
    await poll('they go on', async () => {
      const ticks = await ticksOf();
      return ticks.length === 5 && ticks.every((count, index) => count > (before[index] ?? 0));
    });
  } finally {
    await ticker.stop();
    const stopped = await ticksOf();
    expect(stopped).toHaveLength(5);
    expect(await ticksOf()).toEqual(stopped);
    await admin.deleteTopics({ topics: [topic] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
});
