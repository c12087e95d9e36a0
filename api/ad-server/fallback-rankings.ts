import type { Logger } from 'pino';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import type { Placement } from '../../domain/placement.js';

/** A ranking asked from the database is reused this long, and so is the fact that there is none. */
const CACHED_FOR_MS = 2_000;
const MAX_CACHED = 1_000;
const MAX_LOOKUPS_IN_FLIGHT = 4;
const ANSWER_WITHIN_MS = 1_000;
/** After a failure nothing is asked for so long, whatever the key: a database that comes back is not met by a flood. */
const LEFT_ALONE_MS = 500;

type Entries = readonly RankingEntry[] | null;

export interface FallbackOptions {
  readonly rank: (placement: Placement, target: string) => Promise<readonly RankingEntry[]>;
  readonly log: Logger;
  readonly onResult: (result: 'asked' | 'cached' | 'unavailable') => void;
}

interface Cached {
  readonly until: number;
  readonly entries: Entries;
}

/**
 * Rankings out of PostgreSQL for the time without Redis: one look-up per key at a time, few at once, remembered
 * briefly with its failures. A flood of queries costs the database a bounded number of statements, also when it is
 * so slow that nobody waits for them any more: a look-up makes room when the database is done with it, not before.
 */
export class FallbackRankings {
  readonly #options: FallbackOptions;
  readonly #cached = new Map<string, Cached>();
  readonly #running = new Map<string, Promise<Entries>>();
  #inFlight = 0;
  #leftAloneUntil = 0;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** Best first; null when the database cannot tell either. */
  async ranking(placement: Placement, target: string): Promise<Entries> {
    const key = `${placement}:${target}`;
    const cached = this.#cached.get(key);
    if (cached !== undefined && performance.now() < cached.until) {
      this.#options.onResult('cached');
      return cached.entries;
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#inFlight >= MAX_LOOKUPS_IN_FLIGHT || performance.now() < this.#leftAloneUntil) {
      this.#options.onResult('unavailable');
      return null;
    }
    const lookup = this.#lookUp(key, placement, target).finally(() => this.#running.delete(key));
    this.#running.set(key, lookup);
    return lookup;
  }

  /** What the database says, or null once nobody can wait any longer; what comes later is remembered all the same. */
  async #lookUp(key: string, placement: Placement, target: string): Promise<Entries> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => {
        this.#remember(key, null);
        resolve(null);
      }, ANSWER_WITHIN_MS);
    });
    const entries = await Promise.race([this.#ask(key, placement, target), late]);
    clearTimeout(timer);
    this.#options.onResult(entries === null ? 'unavailable' : 'asked');
    return entries;
  }

  async #ask(key: string, placement: Placement, target: string): Promise<Entries> {
    this.#inFlight += 1;
    try {
      const entries = await this.#options.rank(placement, target);
      this.#remember(key, entries);
      return entries;
    } catch (error) {
      this.#options.log.warn({ error: String(error), placement }, 'no ranking from the database either');
      this.#remember(key, null);
      this.#leftAloneUntil = performance.now() + LEFT_ALONE_MS;
      return null;
    } finally {
      this.#inFlight -= 1;
    }
  }

  #remember(key: string, entries: Entries): void {
    this.#cached.delete(key);
    const oldest = this.#cached.keys().next();
    if (this.#cached.size >= MAX_CACHED && oldest.done !== true) this.#cached.delete(oldest.value);
    this.#cached.set(key, { until: performance.now() + CACHED_FOR_MS, entries });
  }
}
