import { expect, it } from 'vitest';
import { createTickClock } from './tick-clock.js';

const DAY_MS = 86_400_000;

function clockAt(start: number) {
  const state = { real: start, offset: 0 };
  const tick = createTickClock(
    () => state.real + state.offset,
    () => state.real,
  );
  return { state, tick };
}

it('follows business time exactly as long as it is not moved', () => {
  const { state, tick } = clockAt(1_000);
  expect(tick()).toBe(1_000);
  state.real += 750;
  expect(tick()).toBe(1_750);
});

it('keeps the old time for three seconds after a jump, so that slower processes are not late', () => {
  const { state, tick } = clockAt(0);
  state.offset = DAY_MS;
  expect(tick()).toBe(0);
  state.real = 2_999;
  expect(tick()).toBe(2_999);
  state.real = 3_000;
  expect(tick()).toBe(3_000 + DAY_MS);
});

it('takes one jump after the other, each three seconds after it was seen', () => {
  const { state, tick } = clockAt(0);
  const stamps: number[] = [];
  for (let second = 0; second < 8; second++) {
    state.real = second * 1_000;
    if (second >= 1 && second <= 3) state.offset = second * DAY_MS;
    stamps.push(Math.floor(tick() / DAY_MS));
  }
  expect(stamps).toEqual([0, 0, 0, 0, 1, 2, 3, 3]);
});

it('never runs ahead of business time: a clock that starts weeks ago is followed at once', () => {
  const { state, tick } = clockAt(100 * DAY_MS);
  state.offset = -30 * DAY_MS;
  expect(tick()).toBe(70 * DAY_MS);
  state.real += 10;
  expect(tick()).toBe(70 * DAY_MS + 10);
});

it('takes jitter between two readings for no jump, and absorbs a slow drift', () => {
  let real = 0;
  let offset = 0;
  const tick = createTickClock(
    () => real + offset,
    () => real,
  );
  for (let round = 0; round < 100; round++) {
    real += 100;
    offset += 10;
    tick();
  }
  expect(offset).toBe(1_000);
  expect(real + offset - tick()).toBeLessThan(500);
});
