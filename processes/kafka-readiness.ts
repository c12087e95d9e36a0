import type { Consumer } from 'kafkajs';
import type { Logger } from 'pino';

export interface GroupWatch {
  joined(): boolean;
  detail(): Record<string, unknown>;
}

/**
 * Whether a consumer is a member of its group. A consumer that gives up for good ends the process:
 * the supervisor starts it again, and nothing was committed that was not done.
 */
export function watchGroup(consumer: Consumer, log: Logger): GroupWatch {
  let joined = false;
  let partitions = 0;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joined = true;
    partitions = Object.values(payload.memberAssignment).reduce((sum, list) => sum + list.length, 0);
    log.info({ partitions }, 'joined the consumer group');
  });
  consumer.on(consumer.events.REBALANCING, () => {
    joined = false;
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    joined = false;
    log.error({ err: payload.error, restart: payload.restart }, 'consumer crashed');
    if (!payload.restart) throw payload.error;
  });
  return { joined: () => joined, detail: () => ({ group: joined ? 'joined' : 'joining', partitions }) };
}
