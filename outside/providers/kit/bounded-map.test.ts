import { expect, test } from 'vitest';
import { BoundedList, BoundedMap } from './bounded-map.js';

test('a sandbox that runs for weeks keeps the newest only', () => {
  const map = new BoundedMap<number>(2);
  for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 1, 2]);
  map.set('b', 5);
  expect(map.values()).toEqual([5, 2]);
  const list = new BoundedList<number>(2);
  for (const line of [1, 2, 3]) list.add(line);
  expect(list.values()).toEqual([2, 3]);
});
