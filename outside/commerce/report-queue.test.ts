import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createReportQueue } from './report-queue.js';

const silent = { warn: () => undefined, error: () => undefined };
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('one that fails again goes to the end of the line, and the line rests as long as it was asked', async () => {
  const queue = createReportQueue(silent);
  const sent: string[] = [];
  let failures = 1;
  queue.add('first', async () => {
    sent.push('first');
    failures -= 1;
    return failures >= 0 ? { retryAfterMs: 5_000 } : 'done';
  });
  queue.add('second', async () => {
    sent.push('second');
    return 'done';
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual(['first']);
  await vi.advanceTimersByTimeAsync(4_900);
  expect(sent).toEqual(['first']);
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toEqual(['first', 'second', 'first']);
  expect(queue.length()).toBe(0);
});

it('an ad system that asks for no rest is not met by a crowd either', async () => {
  const queue = createReportQueue(silent);
  const sentAt: number[] = [];
  queue.add('a', async () => {
    sentAt.push(Date.now());
    return { retryAfterMs: 0 };
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000,
  ]);
});

it('is bounded, and takes nothing once it is closed', () => {
  const queue = createReportQueue(silent, 1);
  const never = async () => ({ retryAfterMs: 1_000 });
  expect([queue.add('a', never), queue.add('b', never)]).toEqual([true, false]);
  queue.close();
  expect(queue.length()).toBe(1);
});

it('a report that nobody took for 24 hours is given up', async () => {
  const queue = createReportQueue(silent);
  queue.add('a', async () => ({ retryAfterMs: 1_000 }));
  await vi.advanceTimersByTimeAsync(25 * 3_600_000);
  expect(queue.length()).toBe(0);
});
