import { describe, expect, it } from 'vitest';
import { isNearEnd } from './budget-left.js';

describe('near the end of the money', () => {
  it.each([
    ['twenty clicks of the largest price are enough', 20_000, 1_000, null, false],
    ['fewer are not', 19_999, 1_000, null, true],
    ['a tenth of the daily budget is not near', 10_000, 100, 100_000, false],
    ['less than a tenth is', 9_999, 100, 100_000, true],
    ['nothing left is', 0, 1_000, null, true],
  ])('%s', (_what, leftKrw, largestPriceKrw, dailyBudgetKrw, near) => {
    expect(isNearEnd(leftKrw, { largestPriceKrw, dailyBudgetKrw })).toBe(near);
  });
});
