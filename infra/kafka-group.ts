import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, ConsumerRunConfig } from 'kafkajs';
import type { Logger } from 'pino';

const AGAIN_MS = 1_000;
/** Most that leaving waits for a start under way: kafkajs cannot interrupt one. */
const START_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 20;

/** What kafkajs meets while Kafka goes, hangs or comes back, and takes for the end. */
const OUTAGES: readonly string[] = ['KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout'];

/**
 * A consumer's place in its group. kafkajs gives up for good when it cannot find the group's coordinator: the place is
 * then taken again from here, for as long as it takes. On any other error that no repetition cures the process ends:
 * the supervisor starts it again, and nothing was committed that was not done.
 */
export class GroupMembership {
  readonly #consumer: Consumer;
  readonly #log: Logger;
  readonly #leaving = new AbortController();
  #joined = false;
  #partitions = 0;
  /** kafkajs is about to join, or will be after its own pause. */
  #starting = false;
  #run: ConsumerRunConfig | null = null;

  constructor(consumer: Consumer, log: Logger, giveUp: (error: Error) => void = endProcess) {
    this.#consumer = consumer;
    this.#log = log;
    const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#starting = false;
      this.#joined = true;
      this.#partitions = Object.values(payload.memberAssignment).reduce((sum, list) => sum + list.length, 0);
      log.info({ partitions: this.#partitions }, 'joined the consumer group');
    });
    consumer.on(REBALANCING, () => {
      this.#joined = false;
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      const isLeaving = this.#leaving.signal.aborted;
      this.#joined = false;
      this.#starting = restart && !isLeaving;
      log.error({ err: error, restart }, 'consumer crashed');
      if (isLeaving) this.#stayAway();
      else if (restart) return;
      else if (isOutage(error)) void this.#takeAgain();
      else giveUp(error);
    });
  }

  joined(): boolean {
    return this.#joined;
  }

  detail(): Record<string, unknown> {
    return { group: this.#joined ? 'joined' : 'joining', partitions: this.#partitions };
  }

  /** Joins the group and reads what was subscribed to. Returns once that is under way, or was tried. */
  async run(config: ConsumerRunConfig): Promise<void> {
    this.#run = config;
    this.#starting = true;
    await this.#consumer.run(config);
  }

  /** Leaves the group and disconnects. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    const until = performance.now() + START_WITHIN_MS;
    while (this.#starting && performance.now() < until) await delay(LOOK_EVERY_MS);
    await this.#consumer.disconnect();
  }

  async #takeAgain(): Promise<void> {
    const { signal } = this.#leaving;
    await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    // It connects by itself, with the subscriptions of before; when that fails, kafkajs tells of the next crash.
    if (!signal.aborted && this.#run !== null) await this.run(this.#run);
  }

  /** kafkajs sets itself a timer for its next start, after this event. */
  #stayAway(): void {
    setImmediate(() => {
      this.#consumer
        .stop()
        .catch((error: unknown) => this.#log.debug({ error: String(error) }, 'not stopped'));
    });
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof Error && (OUTAGES.includes(error.name) || isOutage(error.cause));
}

function endProcess(error: Error): never {
  throw error;
}
