import { expect, test } from 'vitest';
import { createDeviceHasher, keyedHash } from './ids.js';

test('a device has the same hash whether it is remembered, new or forgotten', () => {
  const hashOf = createDeviceHasher('a key');
  const expected = keyedHash('a key', 'device', 'first');
  expect([hashOf('first'), hashOf('first')]).toEqual([expected, expected]);
  for (let n = 0; n < 10_001; n += 1) hashOf(`device ${n}`);
  expect(hashOf('first')).toBe(expected);
  expect(hashOf('')).toBe(keyedHash('a key', 'device', ''));
});
