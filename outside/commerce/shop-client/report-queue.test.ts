import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createReportQueue, type ReportQueueOptions } from './report-queue.js';
import type { UnsentReport } from './types.js';

const silent = { warn: () => undefined, error: () => undefined };
const report = (orderId: string): UnsentReport => ({
  kind: 'cancellation',
  orderId,
  body: { deviceId: 'd', lines: [{ lineNo: 1 }] },
});
const orderIdOf = (one: UnsentReport) => (one.kind === 'cancellation' ? one.orderId : one.kind);
const open = (more: Partial<ReportQueueOptions> = {}) =>
  createReportQueue({ log: silent, random: () => 0, ...more });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('one that fails again goes to the end of the line, and the line rests as long as it was asked', async () => {
  const queue = open();
  const sent: string[] = [];
  let failures = 1;
  queue.add(report('first'), null, async () => {
    sent.push('first');
    failures -= 1;
    return failures >= 0 ? { retryAfterMs: 5_000 } : 'done';
  });
  queue.add(report('second'), null, async () => {
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

const pausesOf = (times: readonly number[]) => times.slice(1).map((at, index) => at - (times[index] ?? 0));

it('an ad system that asks for no rest is not met by a crowd either', async () => {
  const queue = open();
  const sentAt: number[] = [];
  queue.add(report('a'), 0, async () => {
    sentAt.push(Date.now());
    return { retryAfterMs: 0 };
  });
  await vi.advanceTimersByTimeAsync(100_000);
  expect(pausesOf(sentAt)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

it('is asked for a rest from the first answer on, by more than its own pauses, up to five minutes', async () => {
  const queue = open();
  const sentAt: number[] = [Date.now()];
  const asked = [90_000, 9_000_000];
  queue.add(report('a'), 40_000, async () => {
    sentAt.push(Date.now());
    const retryAfterMs = asked.shift();
    return retryAfterMs === undefined ? 'done' : { retryAfterMs };
  });
  await vi.advanceTimersByTimeAsync(500_000);
  expect(pausesOf(sentAt)).toEqual([40_000, 90_000, 300_000]);
});

it('the servers of one shop do not repeat at the same moment: chance makes a pause up to a fifth longer', async () => {
  const sentAfter = async (chance: number) => {
    const started = Date.now();
    let sentAt = 0;
    open({ random: () => chance }).add(report('a'), 10_000, async () => {
      sentAt = Date.now();
      return 'done';
    });
    await vi.advanceTimersByTimeAsync(20_000);
    return sentAt - started;
  };
  expect([await sentAfter(0), await sentAfter(0.5)]).toEqual([10_000, 11_000]);
});

it('is bounded; every report that is given up is told with its reason, and none twice', async () => {
  const dropped: string[] = [];
  const onDropped: ReportQueueOptions['onDropped'] = (one, why) => dropped.push(`${orderIdOf(one)} ${why}`);
  const queue = open({ capacity: 2, onDropped });
  const never = async () => ({ retryAfterMs: null });
  const added = [
    queue.add(report('wrong'), null, async () => 'refused'),
    queue.add(report('b'), null, never),
    queue.add(report('too-many'), null, never),
  ];
  expect(added).toEqual([true, true, false]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(queue.length()).toBe(1);
  queue.close();
  queue.close();
  expect(queue.add(report('late'), null, never)).toBe(false);
  expect(dropped).toEqual(['too-many full', 'wrong refused', 'b closed', 'late closed']);
});

it('closing ends the attempt that is under way, and what it answers then changes nothing', async () => {
  const dropped: string[] = [];
  const queue = open({ onDropped: (one, why) => dropped.push(`${orderIdOf(one)} ${why}`) });
  let ended = false;
  queue.add(
    report('a'),
    null,
    (closing) =>
      new Promise((resolve) => {
        closing.addEventListener('abort', () => {
          ended = true;
          resolve({ retryAfterMs: null });
        });
      }),
  );
  await vi.advanceTimersByTimeAsync(1_000);
  queue.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([ended, dropped]).toEqual([true, ['a closed']]);
});

it('a report that nobody took for 24 hours is given up', async () => {
  const dropped: string[] = [];
  const queue = open({ onDropped: (_one, why) => dropped.push(why) });
  queue.add(report('a'), null, async () => ({ retryAfterMs: 1_000 }));
  await vi.advanceTimersByTimeAsync(25 * 3_600_000);
  expect([queue.length(), dropped]).toEqual([0, ['old']]);
});

it('a shop whose own store fails does not end the line', async () => {
  const sent: string[] = [];
  const onDropped = () => {
    throw new Error('disk full');
  };
  const queue = open({ capacity: 2, onDropped });
  queue.add(report('refused'), null, async () => 'refused');
  queue.add(report('good'), null, async () => {
    sent.push('good');
    return 'done';
  });
  expect(queue.add(report('too-many'), null, async () => 'done')).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([sent, queue.length()]).toEqual([['good'], 0]);
  queue.add(report('waits'), null, async () => 'done');
  expect(() => queue.close()).not.toThrow();
});
