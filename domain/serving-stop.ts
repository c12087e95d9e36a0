import type { BusinessDate } from './business-date.js';

export const MONEY_STOP_REASONS = [
  'daily_budget_exhausted',
  'balance_exhausted',
  'total_budget_exhausted',
] as const;
export type MoneyStopReason = (typeof MONEY_STOP_REASONS)[number];
export type StopReason = MoneyStopReason | 'paused' | 'payment_reversed';

/** Why something is not served. `untilDate` is the last business day of the stop; null: until somebody acts. */
export interface StopState {
  readonly reason: StopReason;
  readonly untilDate: BusinessDate | null;
}

/**
 * A campaign has one stop at a time: the one that lasts longest. Midnight ends the first, a top-up the second, a
 * new budget the third, a person the fourth. `payment_reversed` stands for a whole advertiser that owes money.
 */
const STRENGTH: Readonly<Record<StopReason, number>> = {
  daily_budget_exhausted: 1,
  balance_exhausted: 2,
  total_budget_exhausted: 3,
  paused: 4,
  payment_reversed: 5,
};

/** True while the stop holds on this day. */
export function isStopActive(stop: StopState | null, today: BusinessDate): stop is StopState {
  return stop !== null && (stop.untilDate === null || stop.untilDate >= today);
}

/** True when `next` must replace `current`: nothing holds today, or `next` lasts longer. */
export function isStronger(next: StopState, current: StopState | null, today: BusinessDate): boolean {
  return !isStopActive(current, today) || STRENGTH[next.reason] > STRENGTH[current.reason];
}
