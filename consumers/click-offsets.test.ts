import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClickOffsets } from './click-offsets.js';

test('an offset is committed up to the first record that is not done, once', () => {
  const offsets = new ClickOffsets();
  const [a, b, c] = ['9', '19', '29'].map((last) => offsets.begin(3, last));
  if (!a || !b || !c) throw new Error('three tickets');
  offsets.done(b);
  offsets.done(c);
  expect(offsets.uncommitted()).toEqual([]);
  offsets.done(a);
  const moved = offsets.uncommitted();
  expect(moved).toEqual([{ partition: 3, offset: '30' }]);
  offsets.committed(moved);
  expect(offsets.uncommitted()).toEqual([]);
});

test('records of an earlier ownership of the partition move nothing', () => {
  const offsets = new ClickOffsets();
  const before = offsets.begin(0, '99');
  offsets.forget();
  const again = offsets.begin(0, '49');
  offsets.done(before);
  expect(offsets.uncommitted()).toEqual([]);
  offsets.done(again);
  expect(offsets.uncommitted()).toEqual([{ partition: 0, offset: '50' }]);
});

test('records that failed hold back all behind them, until they are read again', () => {
  const offsets = new ClickOffsets();
  const failed = offsets.begin(0, '9');
  const behind = offsets.begin(0, '19');
  expect(offsets.abandon(failed)).toBe(true);
  expect(offsets.abandon(behind)).toBe(false);
  offsets.done(behind);
  expect(offsets.uncommitted()).toEqual([]);
});

test('read twice never goes back', () => {
  const offsets = new ClickOffsets();
  const tickets = ['99', '49', '120'].map((last) => offsets.begin(0, last));
  const seen: string[] = [];
  for (const ticket of tickets) {
    offsets.done(ticket);
    seen.push(offsets.uncommitted()[0]?.offset ?? '');
  }
  expect(seen).toEqual(['100', '100', '121']);
});

test('whatever order records are done in, nothing before the offset is open', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 0 }), (order) => {
      const offsets = new ClickOffsets();
      const tickets = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => offsets.begin(0, String(n)));
      const done = new Set<number>();
      for (const n of order) {
        const ticket = tickets[n];
        if (ticket) offsets.done(ticket);
        done.add(n);
        const next = Number(offsets.uncommitted()[0]?.offset ?? 0);
        let firstOpen = 0;
        while (done.has(firstOpen)) firstOpen += 1;
        expect(next).toBe(firstOpen);
      }
    }),
  );
});
