import { describe, expect, it } from 'vitest';
import { BackOff, RequestRate } from './rate.js';

describe('the pace of the shop', () => {
  it('lets a burst through, then exactly its rate', () => {
    let now = 0;
    const rate = new RequestRate(20, 5, () => now);
    const waits = Array.from({ length: 7 }, () => rate.reserve());
    expect(waits).toEqual([0, 0, 0, 0, 0, 50, 100]);
    now = 10_000;
    expect(Array.from({ length: 6 }, () => rate.reserve())).toEqual([0, 0, 0, 0, 0, 50]);
  });

  it('stays away twice as long after each failure, and comes back at once after an answer', () => {
    let now = 0;
    const backOff = new BackOff(() => now);
    const failAgain = () => {
      backOff.failed();
      backOff.failed();
      const pause = backOff.remainingMs();
      now += pause;
      return pause;
    };
    expect(Array.from({ length: 7 }, failAgain)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    backOff.answered();
    expect(failAgain()).toBe(1_000);
  });
});
