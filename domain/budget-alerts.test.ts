import { describe, expect, test } from 'vitest';
import {
  type AlertSettings,
  type BudgetFacts,
  balanceLevel,
  budgetState,
  DEFAULT_ALERT_SETTINGS,
  lowBalanceThresholdKrw,
  reachedPercent,
  remainingTodayKrw,
  runsOutAt,
} from './budget-alerts.js';

const HOUR_MS = 3_600_000;
const facts = (change: Partial<BudgetFacts>): BudgetFacts => ({
  dailyBudgetKrw: 1_000,
  totalBudgetKrw: null,
  spentTodayKrw: 0,
  totalSpentKrw: 0,
  stopReason: null,
  ...change,
});

describe('state of a budget', () => {
  test.each([
    [{}, 'serving'],
    [{ spentTodayKrw: 799 }, 'serving'],
    [{ spentTodayKrw: 800 }, 'low'],
    [{ spentTodayKrw: 1_000 }, 'daily_exhausted'],
    [{ spentTodayKrw: 960, stopReason: 'daily_budget_exhausted' }, 'daily_exhausted'],
    [{ totalBudgetKrw: 5_000, totalSpentKrw: 4_000 }, 'low'],
    [{ totalBudgetKrw: 5_000, totalSpentKrw: 5_000, spentTodayKrw: 1_000 }, 'total_exhausted'],
    [{ stopReason: 'total_budget_exhausted' }, 'total_exhausted'],
    [{ stopReason: 'paused' }, 'serving'],
  ] as const)('%j is %s', (change, state) => {
    expect(budgetState(facts(change))).toBe(state);
  });

  test('the smaller of both budgets is what remains, never less than nothing', () => {
    expect(remainingTodayKrw(facts({ spentTodayKrw: 300 }))).toBe(700);
    expect(remainingTodayKrw(facts({ totalBudgetKrw: 5_000, totalSpentKrw: 4_900 }))).toBe(100);
    expect(remainingTodayKrw(facts({ spentTodayKrw: 1_200 }))).toBe(0);
  });

  test('runs out at the pace of the day, and says nothing when the budget lasts', () => {
    expect(runsOutAt(facts({ spentTodayKrw: 500 }), 0, 6 * HOUR_MS)).toBe(12 * HOUR_MS);
    expect(runsOutAt(facts({ spentTodayKrw: 100 }), 0, 6 * HOUR_MS)).toBeNull();
    expect(runsOutAt(facts({}), 0, 6 * HOUR_MS)).toBeNull();
  });
});

describe('thresholds', () => {
  test.each([
    [499, false, 0],
    [500, false, 50],
    [799, false, 50],
    [999, false, 80],
    [950, true, 100],
    [1_000, false, 100],
  ])('%i of 1,000 won, exhausted %s: %i %%', (spentKrw, exhausted, percent) => {
    expect(reachedPercent(DEFAULT_ALERT_SETTINGS.dailyBudgetPercents, spentKrw, 1_000, exhausted)).toBe(
      percent,
    );
  });

  test('none are set, none are reached', () => {
    expect(reachedPercent([], 1_000, 1_000, true)).toBe(0);
  });

  const settings = (change: Partial<AlertSettings>) => ({ ...DEFAULT_ALERT_SETTINGS, ...change });
  test.each([
    [{}, 7_000, 3_000],
    [{}, 1, 1],
    [{}, 0, null],
    [{ lowBalanceDays: null, lowBalanceKrw: 500 }, 7_000, 500],
    [{ lowBalanceDays: null }, 7_000, null],
  ])('low balance of %j after %i won in seven days: %s', (change, spentKrw, thresholdKrw) => {
    expect(lowBalanceThresholdKrw(settings(change), spentKrw)).toBe(thresholdKrw);
  });

  test.each([
    [0, null, false, 'exhausted'],
    [40, null, true, 'exhausted'],
    [99, 100, false, 'low'],
    [100, 100, false, 'good'],
    [100, null, false, 'good'],
  ] as const)('%i won under %s, stopped %s: %s', (balanceKrw, thresholdKrw, stopped, level) => {
    expect(balanceLevel(balanceKrw, thresholdKrw, stopped)).toBe(level);
  });
});
