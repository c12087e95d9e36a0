import { describe, expect, it } from 'vitest';
import { DAY_MS } from './business-date.js';
import {
  CONVERSION_RULES,
  type ConversionRules,
  isInReversalHorizon,
  type MatchClick,
  type MatchOrderLine,
  matchConversions,
  REVERSAL_HORIZON_MS,
} from './conversion-match.js';

const NOON = Date.UTC(2026, 10, 24, 3);
const click = (clickId: string, ageMs: number, productId = 'bought'): MatchClick => ({
  clickId,
  adId: `ad-${clickId}`,
  campaignId: 'campaign',
  advertiserId: 'seller',
  productId,
  placement: 'HOME',
  deviceHash: 'device',
  recordedAt: NOON - ageMs,
});
const LINE: MatchOrderLine = {
  orderLineId: 'o:1',
  orderId: 'o',
  deviceHash: 'device',
  productId: 'bought',
  sellerId: 'seller',
  quantity: 2,
  amountKrw: 30_000,
  recordedAt: NOON,
};
/** Which click the line is credited to, in short. */
const credited = (clicks: readonly MatchClick[], rules?: ConversionRules) =>
  matchConversions(clicks, [LINE], [], rules).map((row) => `${row.clickId} ${row.match}`)[0] ?? 'none';

describe('the current rules', () => {
  it('take the bought product before a later click on another one', () => {
    expect(credited([click('direct', 5_000), click('other', 10, 'another')])).toBe('direct direct');
    expect(credited([click('old', 5_000, 'another'), click('new', 10, 'another')])).toBe('new indirect');
  });

  it('end at exactly 24 hours, to the millisecond, and never look ahead', () => {
    expect(credited([click('edge', DAY_MS)])).toBe('edge direct');
    expect(credited([click('beyond', DAY_MS + 1)])).toBe('none');
    expect(credited([click('same', 0)])).toBe('same direct');
    expect(credited([click('after', -1)])).toBe('none');
  });

  it('break a tie of the millisecond by the greatest click id', () => {
    expect(credited([click('a', 7), click('b', 7)])).toBe('b direct');
    expect(credited([click('b', 7), click('a', 7)])).toBe('b direct');
  });

  it('want the same device and the same seller, and no unknown device', () => {
    expect(credited([{ ...click('k', 1), deviceHash: 'other' }])).toBe('none');
    expect(credited([{ ...click('k', 1), advertiserId: 'other' }])).toBe('none');
    const unknown = { ...click('k', 1), deviceHash: '' };
    expect(matchConversions([unknown], [{ ...LINE, deviceHash: '' }], [])).toEqual([]);
  });

  it('count the first of repeated ids', () => {
    const repeated = { ...LINE, amountKrw: 1 };
    expect(matchConversions([click('k', 1)], [LINE, repeated], [])).toHaveLength(1);
    expect(matchConversions([click('k', 1)], [LINE, repeated], [])[0]?.conversionValueKrw).toBe(30_000);
    expect(credited([click('k', DAY_MS + 1), click('k', 1)])).toBe('none');
  });
});

describe('other rules', () => {
  const clicks = [click('direct', 13 * 3_600_000), click('other', 10, 'another')];

  it('only direct: another product of the seller counts for nothing', () => {
    const rules = { ...CONVERSION_RULES, version: 2, indirectCounts: false };
    expect(credited(clicks, rules)).toBe('direct direct');
    expect(credited(clicks.slice(1), rules)).toBe('none');
    expect(credited(clicks, { ...rules, directFirst: false })).toBe('direct direct');
  });

  it('no direct first: the latest click of the seller, and it says which kind it was', () => {
    const rules = { ...CONVERSION_RULES, version: 3, directFirst: false };
    expect(credited(clicks, rules)).toBe('other indirect');
    expect(credited([...clicks, click('newest', 5)], rules)).toBe('newest direct');
  });

  it('another window: its own millisecond is the edge', () => {
    const rules = { ...CONVERSION_RULES, version: 4, clickWindowMs: 12 * 3_600_000 };
    expect(credited(clicks, rules)).toBe('other indirect');
    expect(credited([click('edge', rules.clickWindowMs)], rules)).toBe('edge direct');
    expect(credited([click('beyond', rules.clickWindowMs + 1)], rules)).toBe('none');
  });
});

describe('a cancellation', () => {
  const reversedAt = (...times: number[]) => {
    const cancellations = times.map((recordedAt) => ({ orderLineId: 'o:1', recordedAt }));
    return matchConversions([click('k', 1)], [LINE], cancellations)[0]?.reversedAt;
  };

  it('reverses before and after the order line, once: the first in the log counts', () => {
    expect(reversedAt(NOON - 5)).toBe(NOON - 5);
    expect(reversedAt(NOON + 9, NOON + 1)).toBe(NOON + 9);
  });

  it('reverses up to the horizon, to the millisecond', () => {
    expect(reversedAt(NOON + REVERSAL_HORIZON_MS)).toBe(NOON + REVERSAL_HORIZON_MS);
    expect(reversedAt(NOON + REVERSAL_HORIZON_MS + 1)).toBeNull();
    expect(isInReversalHorizon(NOON, NOON + REVERSAL_HORIZON_MS + 1)).toBe(false);
  });

  it('of an order line without a click reverses nothing', () => {
    expect(matchConversions([], [LINE], [{ orderLineId: 'o:1', recordedAt: NOON }])).toEqual([]);
  });
});
