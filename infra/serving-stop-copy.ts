import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { z } from 'zod';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';
import { type ServingStop, servingStopField, servingStopSchema } from '../contracts/serving-stop.js';
import { addDays, isBusinessDate, startOfBusinessDate } from '../domain/business-date.js';

/** Messages can be lost with a connection; the whole hash is compared this often. */
const RECONCILE_INTERVAL_MS = 30_000;
/** While Redis is away the stops are asked from PostgreSQL this often. */
const DATABASE_POLL_MS = 500;
/** Versions are drawn before commit, so a slow transaction may appear behind a newer one. */
const VERSION_OVERLAP = 10_000;
/** Read in half a millisecond. */
const STOPS_PER_TURN = 500;

const stopListSchema = z.array(servingStopSchema);

export interface ServingStopCopyOptions {
  readonly redis: Redis;
  readonly subscriber: Redis;
  /** Whether Redis answered a moment ago: a hung one must not hide a stop. */
  readonly redisAnswers: () => boolean;
  /** Stops with a version above this one, from PostgreSQL. */
  readonly readFromDatabase: (sinceVersion: number) => Promise<readonly ServingStop[]>;
  readonly log: Logger;
  readonly onBadStop: () => void;
}

/**
 * Who may not be served, in this process. Fed by Redis messages and, while Redis is away, by PostgreSQL. The newer
 * version wins whatever the order of arrival; what is held is never forgotten because a store came back empty.
 */
export class ServingStopCopy {
  readonly #options: ServingStopCopyOptions;
  readonly #versions = new Map<string, number>();
  /** Id -> first instant at which it may be served again. Only what is stopped stands here. */
  readonly #campaigns = new Map<string, number>();
  readonly #advertisers = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #reconciledAt = Number.NEGATIVE_INFINITY;
  #databaseVersion = 0;
  #loaded = false;
  #running: Promise<void> | null = null;
  #failing = false;

  constructor(options: ServingStopCopyOptions) {
    this.#options = options;
    const { subscriber, log } = options;
    subscriber.on('message', (channel: string, message: string) => {
      if (channel === REDIS_CHANNELS.servingStopsChanged) this.#takeText(message);
    });
    subscriber.on('ready', () => {
      this.#reconciledAt = Number.NEGATIVE_INFINITY;
    });
    subscriber.subscribe(REDIS_CHANNELS.servingStopsChanged).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'serving stops are followed by polling only');
    });
    this.#timer = setInterval(() => this.#tick(), DATABASE_POLL_MS);
    this.#tick();
  }

  /** Read completely from one of the two stores at least once. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Campaigns and advertisers with a stop, ended by date or not. */
  get size(): number {
    return this.#campaigns.size + this.#advertisers.size;
  }

  isCampaignStopped(campaignId: string, now: number): boolean {
    const until = this.#campaigns.get(campaignId);
    return until !== undefined && now < until;
  }

  isAdvertiserStopped(advertiserId: string, now: number): boolean {
    const until = this.#advertisers.get(advertiserId);
    return until !== undefined && now < until;
  }

  /** Takes in one stop; false when the held one is as new. */
  apply(stop: ServingStop): boolean {
    const field = servingStopField(stop);
    if (stop.version <= (this.#versions.get(field) ?? -1)) return false;
    this.#versions.set(field, stop.version);
    const stopped = stop.scope === 'campaign' ? this.#campaigns : this.#advertisers;
    if (stop.stopped) stopped.set(stop.id, endOf(stop));
    else stopped.delete(stop.id);
    return true;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #tick(): void {
    if (this.#running !== null) return;
    this.#running = this.#refresh()
      .then(
        () => {
          this.#failing = false;
        },
        (error: unknown) => {
          this.#reconciledAt = Number.NEGATIVE_INFINITY;
          if (!this.#failing)
            this.#options.log.warn({ error: String(error) }, 'serving stops: no store answers');
          this.#failing = true;
        },
      )
      .finally(() => {
        this.#running = null;
      });
  }

  async #refresh(): Promise<void> {
    const { redis, subscriber, redisAnswers } = this.#options;
    // The first load is always the truth: a Redis that just came back empty would look complete.
    if (this.#loaded && redisAnswers() && subscriber.status === 'ready') {
      if (performance.now() - this.#reconciledAt < RECONCILE_INTERVAL_MS) return;
      // Before it is read: who connects again in the meantime may have missed a message, and asks for one more.
      this.#reconciledAt = performance.now();
      const all = await redis.hvals(REDIS_KEYS.servingStops);
      for (const [index, text] of all.entries()) {
        this.#takeText(`[${text}]`);
        // A hundred thousand stops take a tenth of a second to read: ad queries are answered in between.
        if (index % STOPS_PER_TURN === STOPS_PER_TURN - 1) await nextTurn();
      }
    } else {
      const stops = await this.#options.readFromDatabase(
        Math.max(0, this.#databaseVersion - VERSION_OVERLAP),
      );
      for (const stop of stops) {
        this.apply(stop);
        this.#databaseVersion = Math.max(this.#databaseVersion, stop.version);
      }
    }
    this.#loaded = true;
  }

  #takeText(text: string): void {
    const stops = parseStops(text);
    if (stops === null) this.#options.onBadStop();
    else for (const stop of stops) this.apply(stop);
  }
}

function parseStops(text: string): ServingStop[] | null {
  try {
    const parsed = stopListSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** A daily stop ends by itself after its date, at midnight in Korea; any other only by a newer version. */
function endOf(stop: ServingStop): number {
  if (stop.untilDate === null || !isBusinessDate(stop.untilDate)) return Number.POSITIVE_INFINITY;
  return startOfBusinessDate(addDays(stop.untilDate, 1));
}
