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
  thresholdToTell,
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

  test.each([
    ['the row, when nothing was crossed', { percent: 50, spentKrw: 500 }, [], 50],
    ['the higher one of a charge', { percent: 0, spentKrw: 400 }, [{ percent: 80, spentKrw: 850 }], 80],
    ['the row, when it is higher', { percent: 80, spentKrw: 850 }, [{ percent: 50, spentKrw: 500 }], 80],
    [
      'no full budget that is not full any more',
      { percent: 50, spentKrw: 600 },
      [{ percent: 100, spentKrw: 1_000 }],
      50,
    ],
    ['a full one that still is', { percent: 100, spentKrw: 900 }, [{ percent: 100, spentKrw: 900 }], 100],
  ])('what is told is %s', (_what, now, crossed, percent) => {
    const of1000 = <T>(reached: T) => ({ ...reached, budgetKrw: 1_000 });
    expect(thresholdToTell(of1000(now), crossed.map(of1000)).percent).toBe(percent);
    // The same crossings of a budget that is another one now say nothing.
    const changed = { ...now, budgetKrw: 2_000 };
    expect(thresholdToTell(changed, crossed.map(of1000))).toEqual(changed);
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
