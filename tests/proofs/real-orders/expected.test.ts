import { expect, it } from 'vitest';
import { matchConversions } from '../../../domain/conversion-match.js';
import { seededRandom } from '../proof.js';
import { expectedConversions, justTooLate, type SentClick, type SentLine } from './expected.js';

const DAY_MS = 86_400_000;
const click = (clickId: string, recordedAt: number, more: Partial<SentClick> = {}): SentClick => ({
  clickId,
  recordedAt,
  deviceId: 'd',
  adId: 'ad',
  campaignId: 'cmp',
  advertiserId: 'adv',
  productId: 'bought',
  placement: 'HOME',
  ...more,
});
const line = (recordedAt: number, more: Partial<SentLine> = {}): SentLine => ({
  orderLineId: 'o:1',
  recordedAt,
  deviceId: 'd',
  productId: 'bought',
  sellerId: 'adv',
  quantity: 2,
  unitPriceKrw: 500,
  cancelledAt: null,
  ...more,
});
const creditedTo = (clicks: SentClick[], sold: SentLine) => expectedConversions(clicks, [sold])[0]?.clickId;

it('exactly 24 hours match, one millisecond more does not, and a later click never does', () => {
  expect(creditedTo([click('c', 0)], line(DAY_MS))).toBe('c');
  expect(creditedTo([click('c', 0)], line(DAY_MS + 1))).toBeUndefined();
  expect(creditedTo([click('c', 10)], line(9))).toBeUndefined();
  expect(justTooLate([click('c', 0)], [line(DAY_MS + 1)], [])).toBe(1);
});

it('the bought product goes before a later click on another one, then the latest, then the greatest id', () => {
  const other = click('other', 50, { productId: 'else' });
  expect(creditedTo([click('direct', 10), other], line(60))).toBe('direct');
  expect(creditedTo([click('a', 10), click('b', 20)], line(60))).toBe('b');
  expect(creditedTo([click('a', 10), click('b', 10)], line(60))).toBe('b');
  expect(creditedTo([click('c', 10, { advertiserId: 'rival' })], line(60))).toBeUndefined();
});

it('says the same as the product’s own plain rule on random logs', () => {
  const random = seededRandom(7);
  const one = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
  const common = () => ({
    deviceId: one(['d1', 'd2', 'd3']),
    recordedAt: Math.floor(random() * 3) * (DAY_MS / 2),
  });
  const clicks = Array.from({ length: 60 }, (_, index) =>
    click(`c${index}`, 0, { ...common(), advertiserId: one(['x', 'y']), productId: one(['p', 'q']) }),
  );
  const lines = Array.from({ length: 120 }, (_, index) =>
    line(0, {
      ...common(),
      orderLineId: `o:${index}`,
      sellerId: one(['x', 'y']),
      productId: one(['p', 'q', 'r']),
    }),
  );
  const hashed = <T extends { deviceId: string }>(row: T) => ({ ...row, deviceHash: row.deviceId });
  const own = matchConversions(
    clicks.map(hashed),
    lines.map((sold) => ({ ...hashed(sold), orderId: 'o', amountKrw: sold.quantity * sold.unitPriceKrw })),
    [],
  );
  const credit = (rows: readonly { orderLineId: string; clickId: string; match: string }[]) =>
    rows.map((row) => `${row.orderLineId} ${row.clickId} ${row.match}`);
  expect(credit(expectedConversions(clicks, lines))).toEqual(credit(own));
  expect(own.length).toBeGreaterThan(50);
});
