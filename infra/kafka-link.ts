import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import type { Logger } from 'pino';

const PROBE_INTERVAL_MS = 2_000;
const RETRY_INTERVAL_MS = 500;

export interface KafkaLinkOptions {
  readonly kafka: Kafka;
  /** The topic whose leaders a probe asks for. */
  readonly topic: string;
  readonly log: Logger;
  readonly probeIntervalMs?: number;
}

/**
 * A producer that may start before Kafka does, and knows since when Kafka has not answered: by every send, and by
 * a probe when nothing is sent. A request path asks `unreachableForMs` instead of waiting to find out.
 */
export class KafkaLink {
  readonly #options: KafkaLinkOptions;
  readonly #producer: Producer;
  readonly #admin: Admin;
  #connected = false;
  #closed = false;
  #answeredAt = performance.now();
  #everAnswered = false;
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

  /** Milliseconds since Kafka last answered (or since the start, if it never did). */
  unreachableForMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /** `acks=all`. Rejects when Kafka cannot take the messages; they may or may not be in the log then. */
  async send(topic: string, messages: Message[]): Promise<void> {
    if (!this.#connected) throw new Error('Kafka is not connected yet');
    await this.#producer.send({ topic, acks: -1, messages });
    this.#answered();
  }

  /** Does not wait for a Kafka that is away: what was not confirmed was never promised. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#connected) await this.#disconnect();
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
      this.#probe().then(
        () => this.#next(this.#probeIntervalMs),
        (error: unknown) => {
          this.#options.log.debug({ error: String(error) }, 'Kafka did not answer the probe');
          this.#next(RETRY_INTERVAL_MS);
        },
      );
    }, delayMs);
    this.#timer.unref();
  }

  #next(delayMs: number): void {
    if (!this.#closed) this.#schedule(delayMs);
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
    if (this.#closed) await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#producer.disconnect(), this.#admin.disconnect()]);
  }
}
