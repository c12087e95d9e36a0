import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyLimits } from './key-limits.js';

const at = (perSecond: number) => {
  const clock = { now: 1_000_000 };
  const limits = new KeyLimits(perSecond, () => clock.now);
  const taken = (requests: number, key = 'key_a') =>
    Array.from({ length: requests }, () => limits.take(key, 'ads:read')).filter((wait) => wait === 0).length;
  return { clock, limits, taken };
};

describe('the limit of an API key', () => {
  it('lets a burst of twice the rate pass, and then the rate', () => {
    const { clock, taken } = at(100);
    expect(taken(500)).toBe(200);
    clock.now += 1_000;
    expect(taken(500)).toBe(100);
    clock.now += 3_600_000;
    expect(taken(500)).toBe(200);
  });

  it('counts each key and each scope apart: too many ads never cost a click', () => {
    const { limits, taken } = at(10);
    expect(taken(100)).toBe(20);
    expect(taken(100, 'key_b')).toBe(20);
    expect(limits.take('key_a', 'clicks:write')).toBe(0);
  });

  it('tells whole seconds after which the request is allowed', () => {
    const { clock, limits, taken } = at(1);
    expect(taken(3)).toBe(2);
    const wait = limits.take('key_a', 'ads:read');
    expect(wait).toBe(1);
    clock.now += wait * 1_000;
    expect(limits.take('key_a', 'ads:read')).toBe(0);
  });

  it('never lets more pass in any stretch of time than a burst and the rate', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }), (pauses) => {
        const { clock, limits } = at(20);
        const startedAt = clock.now;
        let passed = 0;
        for (const pause of pauses) {
          clock.now += pause;
          if (limits.take('key_a', 'ads:read') === 0) passed += 1;
          expect(passed).toBeLessThanOrEqual(40 + (20 * (clock.now - startedAt)) / 1_000);
        }
      }),
    );
  });
});
