import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { within } from './within.js';

const PROBE_INTERVAL_MS = 2_000;
const RETRY_INTERVAL_MS = 500;
/** kafkajs repeats a request that nobody answers for a minute and a half; a probe does not wait for that. */
const PROBE_WITHIN_MS = 4_000;

export interface KafkaLinkOptions {
  readonly kafka: Kafka;
  /** The topic whose leaders a probe asks for. */
  readonly topic: string;
  readonly log: Logger;
  readonly probeIntervalMs?: number;
}

/**
 * A producer that may start before Kafka does, and knows since when Kafka has not answered: by every send, and by
 * a probe when nothing is sent. A request path asks `unreachableForMs` instead of waiting to find out. A Kafka that
 * answers probes but confirms no send counts as unreachable, too.
 */
export class KafkaLink {
  readonly #options: KafkaLinkOptions;
  readonly #producer: Producer;
  readonly #admin: Admin;
  #connected = false;
  #closed = false;
  #answeredAt = performance.now();
  #everAnswered = false;
  #sending = 0;
  /** When the oldest send under way was begun, or one beside it was last confirmed. */
  #unconfirmedSince = 0;
  readonly #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KafkaLinkOptions) {
    this.#options = options;
    this.#producer = options.kafka.producer({ allowAutoTopicCreation: false });
    this.#admin = options.kafka.admin();
    this.#schedule(0);
  }

  get reachable(): boolean {
    return this.#everAnswered && this.unreachableForMs() < 3 * this.#probeIntervalMs;
  }

  /** Milliseconds since Kafka last answered, or took a send (or since the start, if it never did). */
  unreachableForMs(): number {
    const now = performance.now();
    const unconfirmedForMs = this.#sending === 0 ? 0 : now - this.#unconfirmedSince;
    return Math.max(now - this.#answeredAt, unconfirmedForMs);
  }

  /**
   * `acks=all`. Waits while there is no connection: callers bound how much and how long. Rejects when Kafka cannot take
   * the messages, which may or may not be in the log then, and when this link is closed.
   */
  async send(topic: string, messages: Message[]): Promise<void> {
    if (!this.#connected) await this.#untilConnected();
    if (this.#sending === 0) this.#unconfirmedSince = performance.now();
    this.#sending += 1;
    try {
      await this.#producer.send({ topic, acks: -1, messages });
      this.#unconfirmedSince = performance.now();
      this.#answered();
    } finally {
      this.#sending -= 1;
    }
  }

  /** Does not wait for a Kafka that is away: what was not confirmed was never promised. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('closed before Kafka was connected'));
    if (this.#connected) await this.#disconnect();
  }

  #untilConnected(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('closed'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  get #probeIntervalMs(): number {
    return this.#options.probeIntervalMs ?? PROBE_INTERVAL_MS;
  }

  #answered(): void {
    this.#answeredAt = performance.now();
    this.#everAnswered = true;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      void within(
        this.#probe().then(() => null, String),
        PROBE_WITHIN_MS,
        'no answer in time',
      ).then((problem) => this.#probed(problem));
    }, delayMs);
    this.#timer.unref();
  }

  #probed(problem: string | null): void {
    if (problem !== null) this.#options.log.debug({ problem }, 'Kafka did not answer the probe');
    if (this.#closed) return;
    this.#schedule(problem === null ? this.#probeIntervalMs : RETRY_INTERVAL_MS);
  }

  async #probe(): Promise<void> {
    if (!this.#connected) await this.#connect();
    if (this.#closed) return;
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: [this.#options.topic] });
    const partitions = topics.flatMap((topic) => topic.partitions);
    if (partitions.length === 0) throw new Error(`topic ${this.#options.topic} has no partitions`);
    if (partitions.some((partition) => partition.leader < 0)) throw new Error('a partition has no leader');
    this.#answered();
  }

  async #connect(): Promise<void> {
    await this.#producer.connect();
    await this.#admin.connect();
    this.#connected = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    if (this.#closed) await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#producer.disconnect(), this.#admin.disconnect()]);
  }
}
