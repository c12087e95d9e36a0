import type { Message } from 'kafkajs';
import type { KafkaLink } from './kafka-link.js';

/** kafkajs has no linger: these bounds replace it. */
const MAX_BATCH = 500;
const MAX_BATCHES_IN_FLIGHT = 4;

/** The queue is full: refuse now, the caller tries again later. */
export class AppenderFullError extends Error {
  constructor(readonly capacity: number) {
    super(`${capacity} messages are already waiting for Kafka`);
  }
}

interface Waiting {
  readonly message: Message;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Appends with `acks=all` in micro-batches whose size adapts by itself: a message that finds the line idle leaves
 * in the same turn of the event loop; while batches are under way the next ones grow. Bounded in both directions.
 */
export class BatchingAppender {
  readonly #link: KafkaLink;
  readonly #topic: string;
  readonly #capacity: number;
  #queue: Waiting[] = [];
  #inFlight = 0;
  #unconfirmed = 0;
  #scheduled = false;
  #idleWaiters: (() => void)[] = [];

  constructor(link: KafkaLink, topic: string, capacity: number) {
    this.#link = link;
    this.#topic = topic;
    this.#capacity = capacity;
  }

  /** Messages that are not confirmed yet, under way included. */
  get length(): number {
    return this.#unconfirmed;
  }

  /** Settles once every in-sync replica has the message. Rejects with `AppenderFullError`, or Kafka's error. */
  append(message: Message): Promise<void> {
    if (this.#unconfirmed >= this.#capacity) return Promise.reject(new AppenderFullError(this.#capacity));
    this.#unconfirmed += 1;
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject });
      this.#schedule();
    });
  }

  /** Settles when everything appended so far is confirmed or refused. */
  async drain(): Promise<void> {
    if (this.#unconfirmed === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= MAX_BATCHES_IN_FLIGHT) return;
    this.#scheduled = true;
    // After the current turn, so that requests read from the sockets together leave together.
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#queue.length > 0 && this.#inFlight < MAX_BATCHES_IN_FLIGHT) this.#sendBatch();
    });
  }

  #sendBatch(): void {
    const batch = this.#queue.splice(0, MAX_BATCH);
    this.#inFlight += 1;
    this.#link
      .send(
        this.#topic,
        batch.map((waiting) => waiting.message),
      )
      .then(
        () => {
          for (const waiting of batch) waiting.resolve();
        },
        (cause: unknown) => {
          const error = cause instanceof Error ? cause : new Error(String(cause));
          for (const waiting of batch) waiting.reject(error);
        },
      )
      .finally(() => this.#settled(batch.length));
  }

  #settled(count: number): void {
    this.#inFlight -= 1;
    this.#unconfirmed -= count;
    if (this.#queue.length > 0) this.#schedule();
    if (this.#unconfirmed > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
