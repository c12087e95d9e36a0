import type { ServingStop } from '../contracts/serving-stop.js';
import type { DatabasePool } from '../infra/postgres.js';
import { readNewestStopVersion, readStopsAfter } from '../operations/read-serving-stops.js';

const RECONCILE_MS = 30_000;
/** Versions are drawn inside transactions, so a lower one may become visible after a higher one. */
const VERSION_OVERLAP = 1_000;
/** Rows at a time, of what changed and of all: a hundred thousand stops never stand in memory together. */
const ROWS_AT_ONCE = 5_000;

/** `changed`: since the last look. `all`: the next part of a walk over every stop, changed or not. */
export type StopsRead = 'changed' | 'all';

/**
 * Follows `serving_stop` for one reader: at each look what has changed, and every 30 s, part by part, all of it. So
 * what became visible late, or was lost on the other side, is found; and what changes during a walk does not wait
 * for its end.
 */
export class StopReader {
  readonly #pool: DatabasePool;
  #version: number | null = null;
  /** Versions carried that the next look reads again. */
  readonly #recent = new Set<number>();
  /** How far the walk has come; null while none is under way. An object, so that one that starts over is another. */
  #walk: { after: number } | null = { after: 0 };
  #walkedAt = 0;
  #at = 0;

  constructor(pool: DatabasePool) {
    this.#pool = pool;
  }

  /** Milliseconds since all that had changed was carried. */
  ageMs(): number {
    return this.#at === 0 ? Number.POSITIVE_INFINITY : Date.now() - this.#at;
  }

  /** The other side may have lost everything. */
  startOver(): void {
    this.#walk = { after: 0 };
  }

  /** Hands what it reads to `carry`, and goes on from there only when that succeeded. True: there is more to read. */
  async read(carry: (stops: readonly ServingStop[], read: StopsRead) => Promise<void>): Promise<boolean> {
    const moreChanged = await this.#readChanged(carry);
    if (!moreChanged) this.#at = Date.now();
    const walksOn = await this.#walkOn(carry);
    return moreChanged || walksOn;
  }

  async #readChanged(carry: Parameters<StopReader['read']>[0]): Promise<boolean> {
    // What changed before the first look is the walk's business, but for the newest.
    this.#version ??= await readNewestStopVersion(this.#pool);
    const rows = await readStopsAfter(this.#pool, this.#version - VERSION_OVERLAP, ROWS_AT_ONCE);
    const changed = rows.filter(({ version }) => !this.#recent.has(version));
    if (changed.length > 0) await carry(changed, 'changed');
    for (const { version } of changed) this.#recent.add(version);
    this.#version = Math.max(this.#version, rows.at(-1)?.version ?? 0);
    for (const version of this.#recent) {
      if (version <= this.#version - VERSION_OVERLAP) this.#recent.delete(version);
    }
    return rows.length === ROWS_AT_ONCE;
  }

  async #walkOn(carry: Parameters<StopReader['read']>[0]): Promise<boolean> {
    if (this.#walk === null && Date.now() - this.#walkedAt >= RECONCILE_MS) this.startOver();
    const walk = this.#walk;
    if (walk === null) return false;
    const part = await readStopsAfter(this.#pool, walk.after, ROWS_AT_ONCE);
    if (part.length > 0) await carry(part, 'all');
    walk.after = part.at(-1)?.version ?? walk.after;
    if (part.length < ROWS_AT_ONCE && this.#walk === walk) {
      this.#walk = null;
      this.#walkedAt = Date.now();
    }
    return this.#walk !== null;
  }
}
