import type { AdsServed } from '../contracts/events/ad-events.js';
import { HEADER_TYPE } from '../contracts/topics.js';
import { quoted } from '../domain/quoted.js';
import type { BatchingAppender } from './batching-appender.js';

const FLUSH_INTERVAL_MS = 50;
const FLUSH_REQUESTS = 200;
const CAPACITY_REQUESTS = 20_000;
/** The client's own repetitions last ten seconds when Kafka refuses, and longer when it hangs. */
const KEPT_MS = 120_000;
const AGAIN_AFTER_MS = 1_000;

/** One answer: its request and the ads in it. */
export type ServedRequest = AdsServed['served'][number];

export interface ServedLogOptions {
  readonly appender: Pick<BatchingAppender, 'append'>;
  readonly now: () => number;
  /** Requests whose ADS_SERVED were given up because Kafka did not take them in time. */
  readonly onDropped: (requests: number) => void;
}

/**
 * ADS_SERVED, off the request's path: answers are collected for at most 50 ms or 200 requests, and one Kafka
 * record carries them all. While Kafka is away up to 20,000 requests wait in memory for two minutes at most, which is
 * longer than ads are served without it; more are dropped and counted, because an impression is worth less than an
 * answer.
 */
export class ServedLog {
  readonly #options: ServedLogOptions;
  /** JSON of each request. */
  #collected: string[] = [];
  #firstRequestId = '';
  #appending = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServedLogOptions) {
    this.#options = options;
  }

  /** Requests that are not in Kafka yet. */
  get length(): number {
    return this.#collected.length + this.#appending;
  }

  /** The ads of one answer; never throws. */
  record(request: ServedRequest): void {
    if (this.length >= CAPACITY_REQUESTS) {
      this.#options.onDropped(1);
      return;
    }
    if (this.#collected.length === 0) this.#firstRequestId = request.requestId;
    this.#collected.push(servedJson(request));
    if (this.#collected.length >= FLUSH_REQUESTS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS);
  }

  /** Hands everything to the appender once; drain the appender afterwards. */
  close(): void {
    this.#closed = true;
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#collected;
    if (batch.length === 0) return;
    this.#collected = [];
    this.#appending += batch.length;
    this.#append(this.#firstRequestId, batch.join(','))
      .catch(() => this.#options.onDropped(batch.length))
      .finally(() => {
        this.#appending -= batch.length;
      });
  }

  /** Recorded anew with each try: Flink leaves out what comes far behind its clock. */
  async #append(requestId: string, served: string): Promise<void> {
    const keptUntil = performance.now() + KEPT_MS;
    for (;;) {
      const event: Omit<AdsServed, 'served'> = {
        eventId: `served:${requestId}`,
        schemaVersion: 1,
        recordedAt: this.#options.now(),
        type: 'ADS_SERVED',
      };
      const value = `${JSON.stringify(event).slice(0, -1)},"served":[${served}]}`;
      const headers = { [HEADER_TYPE]: event.type };
      try {
        await this.#options.appender.append({ key: requestId, value, headers });
        return;
      } catch (error) {
        if (this.#closed || performance.now() >= keptUntil) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
    }
  }
}

/** By hand, at half the price of `JSON.stringify`; `served-log.test.ts` holds it to the contract. */
function servedJson({ requestId, placement, ads }: ServedRequest): string {
  let text = `{"requestId":${quoted(requestId)},"placement":"${placement}","ads":[`;
  let separator = '';
  for (const { slot, adId, campaignId } of ads) {
    text += `${separator}{"slot":${slot},"adId":${quoted(adId)},"campaignId":${quoted(campaignId)}}`;
    separator = ',';
  }
  return `${text}]}`;
}
