import { describe, expect, it } from 'vitest';
import type { ShopAction } from '../order-import.js';
import { FEED_LENGTH_MS, FEED_START_MS, feedOffsetAt, OrderReplay } from './order-replay.js';

const HOUR_MS = 3_600_000;
const order = (hour: number): ShopAction => ({
  kind: 'order',
  at: FEED_START_MS + hour * HOUR_MS,
  orderId: `at${hour}`,
  deviceId: 'customer:1',
  lines: [{ lineNo: 1, productId: 'prd_1', sellerId: 'adv_toys1', quantity: 1, unitPriceKrw: 10 }],
});

describe('the replay of the orders', () => {
  it('begins at the same weekday and time of day in Seoul', () => {
    const tuesdayNoonInSeoul = Date.parse('2026-11-24T12:00:00+09:00');
    expect(feedOffsetAt(tuesdayNoonInSeoul)).toBe(12 * HOUR_MS);
    expect(feedOffsetAt(tuesdayNoonInSeoul - 13 * HOUR_MS)).toBe((7 * 24 - 1) * HOUR_MS);
  });

  it('gives each order when it is due, in order, and begins again with the next fortnight', () => {
    const replay = new OrderReplay([order(1), order(5), order(30)], 2 * HOUR_MS);
    expect(replay.take(4 * HOUR_MS)).toBeNull();
    const taken = (elapsedMs: number) => {
      const due = replay.take(elapsedMs);
      return due?.action.kind === 'order' ? `${due.action.orderId} in loop ${due.loop}` : null;
    };
    expect([taken(40 * HOUR_MS), taken(40 * HOUR_MS), taken(40 * HOUR_MS)]).toEqual([
      'at5 in loop 0',
      'at30 in loop 0',
      null,
    ]);
    expect(taken(FEED_LENGTH_MS + HOUR_MS)).toBe('at1 in loop 1');
  });

  it('begins in the next fortnight when nothing is left of this one', () => {
    const replay = new OrderReplay([order(1)], 2 * HOUR_MS);
    expect(replay.take(FEED_LENGTH_MS)).toBeNull();
    expect(replay.take(FEED_LENGTH_MS + HOUR_MS)).toMatchObject({ loop: 1 });
  });

  it('knows the curve of the day', () => {
    const replay = new OrderReplay([order(5), order(5.5), order(30)], 0);
    expect([4, 5, 30].map((hour) => replay.ordersPerHourAt(hour * HOUR_MS))).toEqual([0, 2, 1]);
    expect(replay.ordersPerHourAt(FEED_LENGTH_MS + 5 * HOUR_MS)).toBe(2);
  });
});
