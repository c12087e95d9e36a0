import type { Logger } from 'pino';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import type { Placement } from '../../domain/placement.js';

/** A ranking asked from the database is reused this long, and so is the fact that there is none. */
const CACHED_FOR_MS = 2_000;
const MAX_CACHED = 1_000;
const MAX_LOOKUPS_IN_FLIGHT = 4;
const ANSWER_WITHIN_MS = 1_000;

export interface FallbackOptions {
  readonly rank: (placement: Placement, target: string) => Promise<readonly RankingEntry[]>;
  readonly log: Logger;
  readonly onResult: (result: 'asked' | 'cached' | 'unavailable') => void;
}

interface Cached {
  readonly until: number;
  readonly entries: readonly RankingEntry[] | null;
}

/**
 * Rankings out of PostgreSQL for the time without Redis: one look-up per key at a time, few at once, remembered
 * briefly with its failures. A flood of queries costs the database a bounded number of statements.
 */
export class FallbackRankings {
  readonly #options: FallbackOptions;
  readonly #cached = new Map<string, Cached>();
  readonly #running = new Map<string, Promise<readonly RankingEntry[] | null>>();

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** Best first; null when the database cannot tell either. */
  async ranking(placement: Placement, target: string): Promise<readonly RankingEntry[] | null> {
    const key = `${placement}:${target}`;
    const cached = this.#cached.get(key);
    if (cached !== undefined && performance.now() < cached.until) {
      this.#options.onResult('cached');
      return cached.entries;
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#running.size >= MAX_LOOKUPS_IN_FLIGHT) {
      this.#options.onResult('unavailable');
      return null;
    }
    const lookup = this.#lookUp(key, placement, target).finally(() => this.#running.delete(key));
    this.#running.set(key, lookup);
    return lookup;
  }

  async #lookUp(key: string, placement: Placement, target: string): Promise<readonly RankingEntry[] | null> {
    const entries = await this.#askInTime(placement, target);
    this.#options.onResult(entries === null ? 'unavailable' : 'asked');
    this.#cached.delete(key);
    const oldest = this.#cached.keys().next();
    if (this.#cached.size >= MAX_CACHED && oldest.done !== true) this.#cached.delete(oldest.value);
    this.#cached.set(key, { until: performance.now() + CACHED_FOR_MS, entries });
    return entries;
  }

  async #askInTime(placement: Placement, target: string): Promise<readonly RankingEntry[] | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), ANSWER_WITHIN_MS);
    });
    const asked = this.#options.rank(placement, target).catch((error: unknown) => {
      this.#options.log.warn({ error: String(error), placement }, 'no ranking from the database either');
      return null;
    });
    return Promise.race([asked, late]).finally(() => clearTimeout(timer));
  }
}
