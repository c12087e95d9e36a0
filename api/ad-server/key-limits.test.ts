import { describe, expect, it } from 'vitest';
import { KeyLimits } from './key-limits.js';

describe('requests of an API key', () => {
  const limitsAt = (perSecond: number) => {
    const clock = { now: 1_000 };
    return { clock, limits: new KeyLimits(perSecond, () => clock.now) };
  };
  const takenOf = (limits: KeyLimits, times: number, key = 'a') =>
    Array.from({ length: times }, () => limits.take(key, 'ads:read')).filter((wait) => wait === 0).length;

  it('may burst to twice the rate, then come at the rate', () => {
    const { clock, limits } = limitsAt(10);
    expect(takenOf(limits, 50)).toBe(20);
    clock.now += 1_000;
    expect(takenOf(limits, 50)).toBe(10);
  });

  it('are told in whole seconds when to come again', () => {
    const { limits } = limitsAt(1);
    expect([
      limits.take('a', 'ads:read'),
      limits.take('a', 'ads:read'),
      limits.take('a', 'ads:read'),
    ]).toEqual([0, 0, 1]);
  });

  it('are counted apart by key and by scope', () => {
    const { limits } = limitsAt(1);
    takenOf(limits, 5);
    expect(limits.take('b', 'ads:read')).toBe(0);
    expect(limits.take('a', 'clicks:write')).toBe(0);
    expect(limits.take('a', 'ads:read')).toBeGreaterThan(0);
  });
});
