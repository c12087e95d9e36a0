import { DAY_MS, SEOUL_OFFSET_MS } from '../../../domain/business-date.js';
import type { ShopAction } from '../order-import.js';

/** The feed runs from Tuesday, 1 November 2011, to Monday, 14 November: two whole weeks. */
export const FEED_START_MS = Date.UTC(2011, 10, 1);
export const FEED_LENGTH_MS = 14 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;
const HOUR_MS = 3_600_000;

/**
 * Where in the fortnight a replay begins that starts now: same weekday, same time of day in Seoul. At real speed
 * the shop's day is then the shoppers' day; faster, it runs away from there, fortnight after fortnight.
 */
export function feedOffsetAt(nowMs: number): number {
  const sinceFeedStart = nowMs + SEOUL_OFFSET_MS - FEED_START_MS;
  return ((sinceFeedStart % WEEK_MS) + WEEK_MS) % WEEK_MS;
}

export interface DueAction {
  readonly action: ShopAction;
  /** Which run through the fortnight this is; order ids are told apart by it. */
  readonly loop: number;
}

/** The real orders in their order, for ever. `elapsed` counts feed time from the start of the first fortnight. */
export class OrderReplay {
  private loop = 0;
  private index: number;
  private readonly perHour: readonly number[];

  constructor(
    private readonly actions: readonly ShopAction[],
    startElapsedMs: number,
  ) {
    if (actions.length === 0) throw new Error('the feed holds no orders');
    const first = actions.findIndex((action) => action.at - FEED_START_MS >= startElapsedMs);
    this.loop = first < 0 ? 1 : 0;
    this.index = Math.max(0, first);
    const perHour = new Array<number>(FEED_LENGTH_MS / HOUR_MS).fill(0);
    for (const { kind, at } of actions) {
      const hour = Math.floor((at - FEED_START_MS) / HOUR_MS);
      if (kind === 'order') perHour[hour] = (perHour[hour] ?? 0) + 1;
    }
    this.perHour = perHour;
  }

  /** The next action when its time has come. What is not taken stays due: nothing is skipped. */
  take(elapsedMs: number): DueAction | null {
    const action = this.actions[this.index];
    if (action === undefined) return null;
    const dueAt = this.loop * FEED_LENGTH_MS + (action.at - FEED_START_MS);
    if (dueAt > elapsedMs) return null;
    const due = { action, loop: this.loop };
    this.index += 1;
    if (this.index === this.actions.length) {
      this.index = 0;
      this.loop += 1;
    }
    return due;
  }

  /** Orders in this hour of the fortnight: the true curve of the day. */
  ordersPerHourAt(elapsedMs: number): number {
    return this.perHour[Math.floor((elapsedMs % FEED_LENGTH_MS) / HOUR_MS)] ?? 0;
  }
}
