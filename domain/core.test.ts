import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, addMonths, businessDateOf, monthStartOf, startOfBusinessDate } from './business-date.js';
import { clickIdFrom, isClickId, issuedAtOf, issuedMonthOf } from './click-id.js';
import { splitVat, toKrw } from './money.js';
import { predictedCtrPpm, topRanked } from './ranking.js';

describe('money', () => {
  test('a fraction of a won is refused', () => {
    expect(() => toKrw(0.5)).toThrow(/whole number/);
  });

  test('supply and tax always add up to the total, and a correction mirrors its document', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (total) => {
        const { supplyAmountKrw, taxAmountKrw } = splitVat(toKrw(total));
        expect(supplyAmountKrw + taxAmountKrw).toBe(total);
        expect(splitVat(toKrw(-total)).taxAmountKrw).toBe(taxAmountKrw === 0 ? -0 : -taxAmountKrw);
      }),
    );
    expect(splitVat(toKrw(30_000))).toEqual({ supplyAmountKrw: 27_273, taxAmountKrw: 2_727 });
  });
});

describe('business date', () => {
  test('a day begins at midnight in Korea', () => {
    const midnight = Date.UTC(2026, 10, 22, 15);
    expect(businessDateOf(midnight)).toBe('2026-11-23');
    expect(businessDateOf(midnight - 1)).toBe('2026-11-22');
    expect(startOfBusinessDate('2026-11-23')).toBe(midnight);
  });

  test('months and days step over the ends of years', () => {
    expect(addMonths('2026-12-01', 1)).toBe('2027-01-01');
    expect(addMonths('2026-01-01', -1)).toBe('2025-12-01');
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
    expect(monthStartOf(Date.UTC(2026, 10, 30, 15))).toBe('2026-12-01');
  });
});

describe('click id', () => {
  test('carries the issue time and is the same for the same ad of the same answer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xe00000000000 - 1 }),
        fc.stringMatching(/^[0-9a-f]{32}$/),
        (issuedAt, hash) => {
          const id = clickIdFrom(issuedAt, hash);
          expect(isClickId(id)).toBe(true);
          expect(issuedAtOf(id)).toBe(issuedAt);
          expect(clickIdFrom(issuedAt, hash)).toBe(id);
        },
      ),
    );
  });

  test('whose time has no date that a store takes is no click id', () => {
    const last = 'dfffffff-ffff-7000-8000-000000000000';
    expect(isClickId(last) && issuedMonthOf(last)).toBe('9774-08-01');
    expect(isClickId('e0000000-0000-7000-8000-000000000000')).toBe(false);
    expect(() => clickIdFrom(0xe00000000000, '0'.repeat(20))).toThrow(/not a time/);
  });

  test('names the partition by the Korean month of issue', () => {
    const lastMomentOfNovember = startOfBusinessDate('2026-12-01') - 1;
    expect(issuedMonthOf(clickIdFrom(lastMomentOfNovember, '0'.repeat(20)))).toBe('2026-11-01');
    expect(issuedMonthOf(clickIdFrom(lastMomentOfNovember + 1, '0'.repeat(20)))).toBe('2026-12-01');
  });
});

describe('ranking', () => {
  test('a new ad starts from the prior; its own clicks take over', () => {
    const prior = { priorClicksMilli: 4_000, priorImpressionsMilli: 200_000 };
    expect(predictedCtrPpm(0, 0, prior)).toBe(20_000);
    expect(predictedCtrPpm(100, 1_000_000, prior)).toBe(86_666);
    expect(predictedCtrPpm(10_000, 0, prior)).toBe(1_000_000);
  });

  test('three ads of one advertiser at most, ties by ad id', () => {
    const ads = ['d', 'c', 'b', 'a'].map((adId) => ({ adId, advertiserId: 'x', rankScore: 5 }));
    const other = { adId: 'z', advertiserId: 'y', rankScore: 1 };
    expect(topRanked([...ads, other], 10).map((ad) => ad.adId)).toEqual(['a', 'b', 'c', 'z']);
  });
});
