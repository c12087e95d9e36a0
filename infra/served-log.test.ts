import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { adsServedSchema } from '../contracts/events/ad-events.js';
import { ServedLog, type ServedRequest } from './served-log.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const answer = (n: number, ads = 1): ServedRequest => ({
  requestId: `req_${n}`,
  placement: 'HOME',
  ads: Array.from({ length: ads }, (_, index) => ({
    slot: index + 1,
    adId: `ad "${index}" 광고`,
    campaignId: 'cmp_1',
  })),
});

/** A log whose records end when the test says so. */
function open() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const values: string[] = [];
  let dropped = 0;
  const served = new ServedLog({
    appender: {
      append: ({ value }) => {
        values.push(String(value));
        return new Promise((resolve, reject) => ends.push({ resolve, reject }));
      },
    },
    now: () => 0,
    onDropped: (requests) => {
      dropped += requests;
    },
  });
  return { served, ends, values, dropped: () => dropped };
}

it('while nothing is taken twenty thousand requests wait, and each one more is dropped and counted', async () => {
  const { served, ends, dropped } = open();
  for (let n = 0; n < 25_000; n += 1) served.record(answer(n));
  expect([served.length, dropped(), ends.length]).toEqual([20_000, 5_000, 100]);
  for (const { resolve } of ends) resolve();
  await vi.advanceTimersByTimeAsync(0);
  served.record(answer(1));
  expect([served.length, dropped()]).toEqual([1, 5_000]);
});

it('requests of fifty milliseconds leave together', async () => {
  const { served, ends, values } = open();
  served.record(answer(1, 2));
  served.record(answer(2));
  await vi.advanceTimersByTimeAsync(50);
  expect(values.map((value) => adsServedSchema.parse(JSON.parse(value)))).toMatchObject([
    { eventId: 'served:req_1', recordedAt: 0, served: [answer(1, 2), answer(2)] },
  ]);
  ends[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(served.length).toBe(0);
});

it('a record that is not taken is tried again with the time of the try, for two minutes, then counted', async () => {
  let triedAt: number[] = [];
  let dropped = 0;
  let isAway = true;
  const append = ({ value }: { value: unknown }) => {
    const { recordedAt } = JSON.parse(String(value)) as { recordedAt: number };
    triedAt.push(recordedAt);
    return isAway ? Promise.reject(new Error('not taken')) : Promise.resolve();
  };
  const onDropped = (requests: number) => {
    dropped += requests;
  };
  const served = new ServedLog({ appender: { append }, now: () => performance.now(), onDropped });
  served.record(answer(1));
  served.record(answer(2));
  await vi.advanceTimersByTimeAsync(119_000);
  expect([served.length, dropped]).toEqual([2, 0]);
  expect(triedAt.length).toBeGreaterThan(100);
  await vi.advanceTimersByTimeAsync(3_000);
  expect([served.length, dropped]).toEqual([0, 2]);
  triedAt = [];
  served.record(answer(3));
  await vi.advanceTimersByTimeAsync(10_000);
  isAway = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect([served.length, dropped]).toEqual([0, 2]);
  expect((triedAt.at(-1) ?? 0) - (triedAt[0] ?? 0)).toBeGreaterThan(9_000);
});

it('a process that ends does not try again', async () => {
  const { served, ends, dropped } = open();
  served.record(answer(1));
  served.close();
  ends[0]?.reject(new Error('not taken'));
  await vi.advanceTimersByTimeAsync(0);
  expect([served.length, dropped(), ends.length]).toEqual([0, 1, 1]);
});
