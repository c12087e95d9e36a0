import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { RankingEntry } from '../contracts/ranking-entry.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';
import { parseRankingBlob } from './ranking-blob.js';

const POLL_INTERVAL_MS = 250;
const SCAN_COUNT = 1_000;
const FETCH_KEYS = 50;
/** After this long without an answer Redis counts as lost and the copy as stale. */
const STALE_AFTER_MS = 1_000;
/** Several writers fill an emptied Redis, and the first one that is done sets the epoch. */
const ORPHAN_GRACE_MS = 5_000;

export interface RankingCopyOptions {
  /** Commands; must fail at once while the connection is down. */
  readonly redis: Redis;
  /** A connection of its own for messages. */
  readonly subscriber: Redis;
  readonly log: Logger;
  readonly onBadBlob: (key: string) => void;
}

/** Redis's rankings, in this process. `ranking` is all that the request path touches. */
export class RankingCopy {
  readonly #options: RankingCopyOptions;
  readonly #rankings = new Map<string, readonly RankingEntry[]>();
  /** Held from before Redis was emptied, not seen since; dropped when they are still missing after the grace. */
  #orphans = new Set<string>();
  #orphansSince = 0;
  #epoch: string | null = null;
  #version = 0;
  #complete = false;
  #comparedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #failing = false;

  constructor(options: RankingCopyOptions) {
    this.#options = options;
    options.subscriber.on('message', (channel: string) => {
      if (channel === REDIS_CHANNELS.rankingChanged) this.#wake();
    });
    options.subscriber.on('ready', () => this.#wake());
    options.redis.on('ready', () => this.#wake());
    options.subscriber.subscribe(REDIS_CHANNELS.rankingChanged).catch((error: unknown) => {
      options.log.warn({ error: String(error) }, 'ranking changes are followed by polling only');
    });
    this.#wake();
  }

  /** Best first; undefined when no such ranking is held. Costs one map look-up, whatever was asked. */
  ranking(placement: string, target: string): readonly RankingEntry[] | undefined {
    return this.#rankings.get(REDIS_KEYS.ranking(placement, target));
  }

  /** Every ranking has been read at least once. */
  get complete(): boolean {
    return this.#complete;
  }

  /** A ranking that is not held does not exist: the copy is whole and was compared with Redis a moment ago. */
  get current(): boolean {
    return this.#complete && this.ageMs() < STALE_AFTER_MS;
  }

  get size(): number {
    return this.#rankings.size;
  }

  /** Milliseconds since the copy was last known to equal Redis. */
  ageMs(): number {
    return performance.now() - this.#comparedAt;
  }

  /** Redis answered a moment ago; a hung one does not count, whatever its connection looks like. */
  get redisAnswers(): boolean {
    return performance.now() - this.#answeredAt < STALE_AFTER_MS;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Looks now; a look that is already under way is followed by one more, so that no message is missed. */
  #wake(): void {
    if (this.#closed) return;
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = this.#look().finally(() => {
      this.#running = null;
      if (this.#again) {
        this.#again = false;
        this.#wake();
      } else if (!this.#closed) {
        this.#timer = setTimeout(() => this.#wake(), POLL_INTERVAL_MS);
      }
    });
  }

  async #look(): Promise<void> {
    const { redis, log } = this.#options;
    if (redis.status !== 'ready' && this.#answeredAt < 0) return;
    try {
      await this.#follow();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) log.warn({ error: String(error) }, 'rankings: serving the copy held');
      this.#failing = true;
    }
  }

  /**
   * No epoch means that Redis is being filled (again): what is held stays, changes are taken in. A new epoch means
   * that everything is there: read all of it. Otherwise only what the change list names.
   */
  async #follow(): Promise<void> {
    const [epoch, versionText] = await this.#options.redis.mget(
      REDIS_KEYS.rankingEpoch,
      REDIS_KEYS.rankingVersion,
    );
    this.#answeredAt = performance.now();
    const version = Number(versionText ?? 0);
    if (epoch && epoch !== this.#epoch) {
      await this.#loadAll();
      this.#epoch = epoch;
      this.#version = version;
      this.#complete = true;
    } else {
      if (version < this.#version) this.#version = 0;
      if (version > this.#version) await this.#loadChanges();
      if (epoch) await this.#dropOrphans();
    }
    if (epoch) this.#comparedAt = performance.now();
  }

  async #loadAll(): Promise<void> {
    const startedAt = performance.now();
    const before = new Set(this.#rankings.keys());
    let cursor = '0';
    do {
      const [next, keys] = await this.#options.redis.scan(
        cursor,
        'MATCH',
        `${REDIS_KEYS.rankingPrefix}*`,
        'COUNT',
        SCAN_COUNT,
      );
      await this.#fetch(keys);
      for (const key of keys) before.delete(key);
      cursor = next;
    } while (cursor !== '0' && !this.#closed);
    this.#orphans = before;
    this.#orphansSince = performance.now();
    const tookMs = Math.round(performance.now() - startedAt);
    this.#options.log.info(
      { rankings: this.#rankings.size, orphans: before.size, tookMs },
      'rankings loaded',
    );
  }

  async #loadChanges(): Promise<void> {
    const changed = await this.#options.redis.zrangebyscore(
      REDIS_KEYS.rankingChanges,
      `(${this.#version}`,
      '+inf',
      'WITHSCORES',
    );
    const keys: string[] = [];
    let newest = this.#version;
    for (let index = 0; index + 1 < changed.length; index += 2) {
      const key = changed[index];
      if (key?.startsWith(REDIS_KEYS.rankingPrefix)) keys.push(key);
      newest = Math.max(newest, Number(changed[index + 1]));
    }
    await this.#fetch(keys);
    this.#version = newest;
  }

  async #dropOrphans(): Promise<void> {
    if (this.#orphans.size === 0 || performance.now() - this.#orphansSince < ORPHAN_GRACE_MS) return;
    await this.#fetch([...this.#orphans]);
    this.#orphans = new Set();
  }

  async #fetch(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += FETCH_KEYS) {
      const chunk = keys.slice(start, start + FETCH_KEYS);
      const texts = await this.#options.redis.mget(...chunk);
      for (const [index, key] of chunk.entries()) this.#take(key, texts[index] ?? null);
    }
  }

  #take(key: string, text: string | null): void {
    if (text === null) {
      this.#rankings.delete(key);
      return;
    }
    const entries = parseRankingBlob(text);
    if (entries === null) {
      this.#options.onBadBlob(key);
      return;
    }
    this.#rankings.set(key, entries);
  }
}
