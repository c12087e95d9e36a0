import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBusinessDate, startOfBusinessDate } from './business-date.js';
import { splitVat, sumKrw, toKrw } from './money.js';
import { correctionOf, isNews, itemise, MOST_ITEMS, type TaxAmounts } from './tax-invoice.js';
import { isMonth, lastDayOf, monthBefore, taxInvoiceDates } from './tax-month.js';

const won = fc.integer({ min: 0, max: 1_000_000_000 }).map(toKrw);

describe('corrections', () => {
  it('all documents together always say the split of the newest total', () => {
    fc.assert(
      fc.property(won, fc.array(won, { maxLength: 8 }), (first, totals) => {
        const documents: TaxAmounts[] = [splitVat(first)];
        for (const total of totals) {
          documents.push(correctionOf(total, documents));
          const supply = sumKrw(documents.map((one) => one.supplyAmountKrw));
          const tax = sumKrw(documents.map((one) => one.taxAmountKrw));
          expect({ supplyAmountKrw: supply, taxAmountKrw: tax }).toEqual(splitVat(total));
        }
      }),
    );
  });

  it('splitting the difference alone would be a won off', () => {
    const issued = splitVat(toKrw(1_006));
    const difference = splitVat(toKrw(1_000 - 1_006));
    const correction = correctionOf(toKrw(1_000), [issued]);
    expect(correction.totalKrw).toBe(-6);
    expect(correction.taxAmountKrw).toBe(0);
    expect(difference.taxAmountKrw).toBe(-1);
  });
});

describe('lines of a document', () => {
  it('add up to the document, at most 99 of them, whatever was spent', () => {
    fc.assert(
      fc.property(fc.array(won, { minLength: 1, maxLength: 150 }), (totals) => {
        const lines = itemise(
          totals.map((totalKrw, i) => ({ campaignId: `c${i}`, name: `n${i}`, totalKrw })),
        );
        expect(lines.length).toBeLessThanOrEqual(MOST_ITEMS);
        const document = splitVat(sumKrw(totals));
        expect(sumKrw(lines.map((line) => line.supplyAmountKrw))).toBe(document.supplyAmountKrw);
        expect(sumKrw(lines.map((line) => line.taxAmountKrw))).toBe(document.taxAmountKrw);
      }),
    );
  });
});

describe('the calendar of a month', () => {
  it('runs on business day 3 at 09:00, and ends on the 10th or the business day after', () => {
    const october = taxInvoiceDates('2026-10');
    expect(october.runsAt).toBe(startOfBusinessDate('2026-11-04') + 9 * 3_600_000);
    expect(october.lastDate).toBe('2026-11-10');
    // 10 October 2026 is a Saturday.
    expect(taxInvoiceDates('2026-09')).toMatchObject({ alarmFrom: '2026-10-08', lastDate: '2026-10-12' });
    expect(lastDayOf('2028-02')).toBe('2028-02-29');
    expect(monthBefore('2027-01-31')).toBe('2026-12');
    expect([isMonth('2026-13'), isMonth('2026-1'), isMonth('2026-12')]).toEqual([false, false, true]);
    // Beyond the calendar of the database, or so near its end that the days after it are no dates any more.
    expect([isMonth('0000-01'), isMonth('0999-12'), isMonth('9999-12')]).toEqual([false, false, false]);
    expect(taxInvoiceDates('2999-12').alarmFrom).toBe('3000-01-08');
    expect([isBusinessDate('0000-01-01'), isBusinessDate('0001-01-01')]).toEqual([false, true]);
  });
});

it('news of an earlier stage is old news', () => {
  expect(isNews('ISSUED', 'NTS_ACCEPTED')).toBe(true);
  expect(isNews('NTS_ACCEPTED', 'NTS_PENDING')).toBe(false);
  expect(isNews('NTS_ACCEPTED', 'NTS_REJECTED')).toBe(false);
});
