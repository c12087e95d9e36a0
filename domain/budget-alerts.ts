import { DAY_MS } from './business-date.js';

/** What an advertiser wants to be told about its money. At most one of the two low-balance rules is set. */
export interface AlertSettings {
  /** Percent of the daily budget; each told once per campaign, day and daily budget. */
  readonly dailyBudgetPercents: readonly number[];
  /** Percent of the total budget; each told once per campaign and total budget. */
  readonly totalBudgetPercents: readonly number[];
  /** Low means: less than this many days of the average spend of the last seven days. */
  readonly lowBalanceDays: number | null;
  /** Low means: less than this. */
  readonly lowBalanceKrw: number | null;
}

export const DEFAULT_ALERT_SETTINGS: AlertSettings = {
  dailyBudgetPercents: [50, 80, 100],
  totalBudgetPercents: [80, 100],
  lowBalanceDays: 3,
  lowBalanceKrw: null,
};

export const MAX_ALERT_PERCENTS = 10;
export const MAX_LOW_BALANCE_DAYS = 30;
/** The average of the low-balance rule looks back over this many whole days. */
export const SPEND_AVERAGE_DAYS = 7;
/** From this share of the daily budget on, a campaign's budget is low. */
const LOW_BUDGET_PERCENT = 80;

export const BUDGET_STATES = ['serving', 'low', 'daily_exhausted', 'total_exhausted'] as const;
export type BudgetState = (typeof BUDGET_STATES)[number];
export const BALANCE_LEVELS = ['good', 'low', 'exhausted'] as const;
export type BalanceLevel = (typeof BALANCE_LEVELS)[number];

/** A campaign's budget as one business day sees it. */
export interface BudgetFacts {
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
  readonly spentTodayKrw: number;
  readonly totalSpentKrw: number;
  /** Why charging has stopped the campaign, when it has: a remainder too small for a click is an exhausted budget. */
  readonly stopReason: string | null;
}

export function budgetState(facts: BudgetFacts): BudgetState {
  const { dailyBudgetKrw, totalBudgetKrw, spentTodayKrw, totalSpentKrw, stopReason } = facts;
  const totalIsSpent = totalBudgetKrw !== null && totalSpentKrw >= totalBudgetKrw;
  if (totalIsSpent || stopReason === 'total_budget_exhausted') return 'total_exhausted';
  if (spentTodayKrw >= dailyBudgetKrw || stopReason === 'daily_budget_exhausted') return 'daily_exhausted';
  const isLow =
    reaches(spentTodayKrw, dailyBudgetKrw, LOW_BUDGET_PERCENT) ||
    (totalBudgetKrw !== null && reaches(totalSpentKrw, totalBudgetKrw, LOW_BUDGET_PERCENT));
  return isLow ? 'low' : 'serving';
}

/** In integers: `spent / budget >= percent / 100`. */
const reaches = (spentKrw: number, budgetKrw: number, percent: number) =>
  spentKrw * 100 >= budgetKrw * percent;

/** What can still be spent today: the daily and the total budget both count. */
export function remainingTodayKrw(facts: BudgetFacts): number {
  const dailyKrw = facts.dailyBudgetKrw - facts.spentTodayKrw;
  const totalKrw = facts.totalBudgetKrw === null ? dailyKrw : facts.totalBudgetKrw - facts.totalSpentKrw;
  return Math.max(0, Math.min(dailyKrw, totalKrw));
}

/** The highest threshold that is reached; 0 for none. An exhausted budget reaches 100 whatever the remainder. */
export function reachedPercent(
  percents: readonly number[],
  spentKrw: number,
  budgetKrw: number,
  exhausted: boolean,
): number {
  return percents.reduce(
    (highest, percent) =>
      percent > highest && (exhausted || reaches(spentKrw, budgetKrw, percent)) ? percent : highest,
    0,
  );
}

/** A threshold that a charge reached, as far as it matters here. */
export interface ReachedThreshold {
  readonly percent: number;
  readonly spentKrw: number;
  readonly budgetKrw: number;
}

/**
 * What to tell of a budget: the highest threshold that holds now, or that a charge reached since the last look.
 *
 * A notice must be true when it is read. So a threshold of a budget that was changed since is not told (its seller
 * has acted, and the new budget is measured afresh), and a full one only while it is full. What a reversal took back
 * below a lower threshold is still told, with the amounts of the moment in which it was reached.
 */
export function thresholdToTell(
  now: ReachedThreshold,
  crossed: readonly ReachedThreshold[],
): ReachedThreshold {
  let told = now;
  for (const crossing of crossed) {
    const holds = crossing.budgetKrw === now.budgetKrw && (crossing.percent < 100 || now.percent === 100);
    if (holds && crossing.percent > told.percent) told = crossing;
  }
  return told;
}

/**
 * When today's budget will be spent at today's average pace, epoch ms; null when it lasts beyond the day, or
 * nothing was spent. `dayStart` and `now` are business time.
 */
export function runsOutAt(facts: BudgetFacts, dayStart: number, now: number): number | null {
  const remainingKrw = remainingTodayKrw(facts);
  if (facts.spentTodayKrw <= 0) return null;
  const at = now + Math.round((remainingKrw * Math.max(1, now - dayStart)) / facts.spentTodayKrw);
  return at < dayStart + DAY_MS ? at : null;
}

/** Below this balance the advertiser is told; null: not wanted, or nothing was spent to measure by. */
export function lowBalanceThresholdKrw(
  settings: AlertSettings,
  spentInAverageDaysKrw: number,
): number | null {
  if (settings.lowBalanceKrw !== null) return settings.lowBalanceKrw;
  if (settings.lowBalanceDays === null || spentInAverageDaysKrw <= 0) return null;
  return Math.ceil((spentInAverageDaysKrw * settings.lowBalanceDays) / SPEND_AVERAGE_DAYS);
}

export function balanceLevel(
  balanceKrw: number,
  thresholdKrw: number | null,
  stoppedByBalance: boolean,
): BalanceLevel {
  if (balanceKrw === 0 || stoppedByBalance) return 'exhausted';
  return thresholdKrw !== null && balanceKrw < thresholdKrw ? 'low' : 'good';
}
