import { type AdClicked, adClickedSchema } from '../../contracts/events/ad-events.js';
import { HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import { loadConfig } from '../../infra/config.js';
import { createKafka, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';

export interface ClickLog {
  /** AD_CLICKED in the order of each partition, repeats included. */
  readonly clicked: readonly (readonly AdClicked[])[];
  /** Click ids of AD_CLICK_DECIDED: how often each was told. */
  readonly told: ReadonlyMap<string, number>;
}

/** Reads ad-events from its beginning to what is its end now. */
export async function readClickLog(env: Readonly<Record<string, string>>): Promise<ClickLog> {
  const config = loadConfig({ ...env, INSTANCE_NAME: 'click-log', LOG_LEVEL: 'error' });
  const topic = topicName(config, TOPICS.adEvents);
  const kafka = createKafka(config, createLogger(config, 'click-log'));
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
  const clicked: AdClicked[][] = offsets.map(() => []);
  const told = new Map<string, number>();
  const consumer = kafka.consumer({
    groupId: `click-log-${process.pid}-${Date.now()}`,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      if ([...left.values()].every((end) => end === 0n)) resolve();
    };
    for (const [partition, end] of left) if (end === 0n) left.set(partition, 0n);
    settle();
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) {
            const type = message.headers?.[HEADER_TYPE]?.toString();
            if (type === 'AD_CLICKED') {
              clicked[batch.partition]?.push(
                adClickedSchema.parse(JSON.parse(message.value?.toString() ?? '')),
              );
            } else if (type === 'AD_CLICK_DECIDED') {
              const { clickId } = JSON.parse(message.value?.toString() ?? '') as { clickId: string };
              told.set(clickId, (told.get(clickId) ?? 0) + 1);
            }
          }
          const end = left.get(batch.partition) ?? 0n;
          if (BigInt(batch.lastOffset()) + 1n >= end) left.set(batch.partition, 0n);
          settle();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return { clicked, told };
}
