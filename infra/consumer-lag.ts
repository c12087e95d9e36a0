import type { Kafka } from 'kafkajs';

/** Events between what a group has committed and the end of the topic; null: it has never committed. */
export async function readConsumerLag(
  kafka: Kafka,
  topic: string,
  groupIds: readonly string[],
): Promise<Readonly<Record<string, number | null>>> {
  const admin = kafka.admin({ retry: { retries: 1 } });
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    const lags: Record<string, number | null> = {};
    for (const groupId of groupIds) {
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
      lags[groupId] = lagOf(ends, committed?.partitions ?? []);
    }
    return lags;
  } finally {
    await admin.disconnect();
  }
}

interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

function lagOf(ends: readonly PartitionOffset[], committed: readonly PartitionOffset[]): number | null {
  const known = new Map(committed.map((one) => [one.partition, Number(one.offset)]));
  if (![...known.values()].some((offset) => offset >= 0)) return null;
  return ends.reduce((lag, { partition, offset }) => {
    const at = known.get(partition) ?? -1;
    return at < 0 ? lag : lag + Math.max(0, Number(offset) - at);
  }, 0);
}
