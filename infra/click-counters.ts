import type { Redis } from 'ioredis';
import { z } from 'zod';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import { CLICK_DELIVERY_WINDOW_MS, type ClickSignals } from '../domain/click-outcome.js';
import { INVALID_CLICK_THRESHOLDS } from '../domain/invalid-click-rules.js';
import { within } from './within.js';

/** A click must not wait for a Redis that hangs. */
const ANSWER_WITHIN_MS = 100;
/** After one click has waited in vain the others do not try for so long: one at a time finds out. */
const REST_MS = 250;
const MINUTE_MS = 60_000;

const countersSchema = z.object({
  deviceClicksPerMinute: z.number().int(),
  ipClicksPerMinute: z.number().int(),
  sinceSameAdMs: z.number().int().nullable(),
});
export type ClickCounters = Pick<
  ClickSignals,
  'deviceClicksPerMinute' | 'ipClicksPerMinute' | 'sinceSameAdMs'
>;

/** What a click looks like when nobody counted: innocent. Losing Redis must not refuse genuine clicks. */
export const NEUTRAL_COUNTERS: ClickCounters = {
  deviceClicksPerMinute: 1,
  ipClicksPerMinute: 1,
  sinceSameAdMs: null,
};

/**
 * Counts a click once per click id and remembers what was counted: a repeat is told the same and counts nothing.
 * Clicks of a shop's queue come in any order: the newest is the last one, and the distance has no sign.
 * KEYS signals, device, last click, and ip when known. ARGV time, lives of: signals, counters, last click (ms).
 */
const COUNT_ONCE = `
local stamped = redis.call('GET', KEYS[1])
if stamped then return stamped end
local device = redis.call('INCR', KEYS[2])
if device == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
local last = redis.call('GET', KEYS[3])
local newest = ARGV[1]
if last and tonumber(last) > tonumber(newest) then newest = last end
redis.call('SET', KEYS[3], newest, 'PX', ARGV[4])
local ip = 0
if KEYS[4] then
  ip = redis.call('INCR', KEYS[4])
  if ip == 1 then redis.call('PEXPIRE', KEYS[4], ARGV[3]) end
end
local since = 'null'
if last then since = string.format('%.0f', math.abs(tonumber(ARGV[1]) - tonumber(last))) end
stamped = string.format(
  '{"deviceClicksPerMinute":%d,"ipClicksPerMinute":%d,"sinceSameAdMs":%s}', device, ip, since)
redis.call('SET', KEYS[1], stamped, 'PX', ARGV[2])
return stamped`;

export interface CountedClick {
  readonly clickId: string;
  readonly adId: string;
  readonly deviceHash: string;
  readonly ipHash: string | null;
  /** When it counts, epoch ms, business clock: `countedAt`. */
  readonly at: number;
}

export class ClickCounter {
  readonly #redis: Redis & { countClick(...args: (string | number)[]): Promise<unknown> };

  #restUntil = 0;

  constructor(redis: Redis) {
    redis.defineCommand('countClick', { lua: COUNT_ONCE });
    if (!hasCountClick(redis)) throw new Error('the command was not defined');
    this.#redis = redis;
  }

  /** Null when Redis does not answer in time; the click is then counted as innocent, and counted as such. */
  async count(click: CountedClick): Promise<ClickCounters | null> {
    if (this.#redis.status !== 'ready' || performance.now() < this.#restUntil) return null;
    const minute = Math.floor(click.at / MINUTE_MS);
    const keys = [
      REDIS_KEYS.clickSignals(click.clickId),
      REDIS_KEYS.deviceClicks(click.deviceHash, minute),
      REDIS_KEYS.lastClick(click.deviceHash, click.adId),
      ...(click.ipHash === null ? [] : [REDIS_KEYS.ipClicks(click.ipHash, minute)]),
    ];
    const lives = [CLICK_DELIVERY_WINDOW_MS, MINUTE_MS, INVALID_CLICK_THRESHOLDS.doubleClickWithinMs];
    const counted = this.#redis.countClick(keys.length, ...keys, click.at, ...lives);
    const answer = await within(
      counted.catch(() => null),
      ANSWER_WITHIN_MS,
      null,
    );
    if (answer === null) this.#restUntil = performance.now() + REST_MS;
    return parseCounters(answer);
  }
}

function hasCountClick(
  redis: Redis,
): redis is Redis & { countClick(...args: (string | number)[]): Promise<unknown> } {
  return 'countClick' in redis && typeof redis.countClick === 'function';
}

function parseCounters(text: unknown): ClickCounters | null {
  if (typeof text !== 'string') return null;
  const parsed = countersSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}
