import type { ApiScope } from '../../domain/access.js';

/** Unused time is worth this much at once: a burst of twice the rate. */
const BURST_MS = 2_000;
const MAX_KEYS = 10_000;

/** When this key would be done if it had spread its requests evenly, epoch of `now`. */
interface Lane {
  freeAt: number;
}

/**
 * Requests per second of an API key, per scope: a page that asks for too many ads never costs the shop a click. Each
 * ad server counts for itself, in memory, so the whole allows as many times more as there are servers.
 *
 * A leaky bucket in one number per key (the generic cell rate algorithm of ATM traffic control), because the request
 * path may not wait: `rate-limiter-flexible`, which the console uses, answers with a promise and keeps a timer per
 * key, several microseconds each; this takes a tenth of one.
 */
export class KeyLimits {
  readonly #spacingMs: number;
  readonly #now: () => number;
  readonly #lanes = new Map<ApiScope, Map<string, Lane>>();

  /** `now` in ms, monotonic. */
  constructor(requestsPerSecond: number, now: () => number = () => performance.now()) {
    this.#spacingMs = 1_000 / requestsPerSecond;
    this.#now = now;
  }

  /** Counts one request. 0: go on; else whole seconds after which it would be allowed. */
  take(keyId: string, scope: ApiScope): number {
    const lane = this.#laneOf(keyId, scope);
    const now = this.#now();
    const freeAt = Math.max(lane.freeAt, now) + this.#spacingMs;
    const overMs = freeAt - now - BURST_MS;
    if (overMs > 0) return Math.max(1, Math.ceil(overMs / 1_000));
    lane.freeAt = freeAt;
    return 0;
  }

  #laneOf(keyId: string, scope: ApiScope): Lane {
    let lanes = this.#lanes.get(scope);
    if (lanes === undefined) {
      lanes = new Map();
      this.#lanes.set(scope, lanes);
    }
    let lane = lanes.get(keyId);
    if (lane === undefined) {
      // Keys that are checked before they come here: nobody can fill this with invented ones.
      if (lanes.size >= MAX_KEYS) lanes.clear();
      lane = { freeAt: 0 };
      lanes.set(keyId, lane);
    }
    return lane;
  }
}
