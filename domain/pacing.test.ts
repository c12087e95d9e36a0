import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOfBusinessDate } from './business-date.js';
import {
  firstPacingState,
  isLeftOut,
  LEAST_PASS_PPM,
  nextPacing,
  nextPassShare,
  type PacingState,
  plannedKrw,
  servingTimeOf,
} from './pacing.js';

/** A Monday in Korea. */
const MIDNIGHT = startOfBusinessDate('2026-03-16');
const HOUR_MS = 3_600_000;
const ALWAYS = { daysOfWeek: [], hours: [] };
const LOOK_S = 10;

interface Day {
  /** Second of the day at which another monitor takes over: it knows the share and nothing else. */
  readonly handoverAtS?: number;
  readonly dailyBudgetKrw: number;
  readonly priceKrw: number;
  /** Spend of a whole day at full pace. */
  readonly demandKrw: number;
  readonly targeting?: { daysOfWeek: readonly number[]; hours: readonly number[] };
  /** Demand of an hour as a multiple of the average. */
  readonly shape?: (hour: number) => number;
  readonly seed?: number;
  readonly fromHour?: number;
}

/** Second by second; clicks at random (Poisson), charged while they fit. Spend at the end of each hour. */
function simulate(day: Day): { hourly: number[]; shares: number[] } {
  const random = mulberry32(day.seed ?? 1);
  const targeting = day.targeting ?? ALWAYS;
  const hourly: number[] = [];
  const shares: number[] = [];
  let spent = 0;
  let state: PacingState | null = null;
  for (let second = (day.fromHour ?? 0) * 3_600; second < 86_400; second += 1) {
    const now = MIDNIGHT + second * 1_000;
    const time = servingTimeOf(targeting, now);
    if (second % LOOK_S === 0) {
      const facts = { dailyBudgetKrw: day.dailyBudgetKrw, spentTodayKrw: spent, now, time };
      if (second === day.handoverAtS) state = firstPacingState(facts, state?.passPpm);
      else state = state === null ? firstPacingState(facts) : nextPacing(state, facts);
      shares.push(state.passPpm);
    }
    if (time.serving && state !== null) {
      const shape = day.shape?.(Math.floor(second / 3_600)) ?? 1;
      const mean = (day.demandKrw / 86_400 / day.priceKrw) * shape * (state.passPpm / 1_000_000);
      for (let n = poisson(mean, random); n > 0; n -= 1)
        if (spent + day.priceKrw <= day.dailyBudgetKrw) spent += day.priceKrw;
    }
    if ((second + 1) % 3_600 === 0) hourly.push(spent);
  }
  return { hourly, shares };
}

function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('the plan of a day', () => {
  it('counts the chosen hours of the chosen days, in Korea', () => {
    const at = (hour: number) => MIDNIGHT + hour * HOUR_MS;
    expect(servingTimeOf(ALWAYS, at(6))).toEqual({
      passedMs: 6 * HOUR_MS,
      leftMs: 18 * HOUR_MS,
      serving: true,
    });
    const working = { daysOfWeek: [1, 2, 3, 4, 5], hours: [9, 10, 11] };
    expect(servingTimeOf(working, at(10.5))).toEqual({
      passedMs: 1.5 * HOUR_MS,
      leftMs: 1.5 * HOUR_MS,
      serving: true,
    });
    expect(servingTimeOf(working, at(12))).toEqual({ passedMs: 3 * HOUR_MS, leftMs: 0, serving: false });
    expect(servingTimeOf({ daysOfWeek: [7], hours: [] }, at(10))).toEqual({
      passedMs: 0,
      leftMs: 0,
      serving: false,
    });
    expect(servingTimeOf({ daysOfWeek: [7], hours: [] }, MIDNIGHT - 1).serving).toBe(true);
  });

  it('is even over the serving hours', () => {
    const time = { passedMs: 3 * HOUR_MS, leftMs: 9 * HOUR_MS, serving: true };
    expect(plannedKrw({ dailyBudgetKrw: 120_000, spentTodayKrw: 0, now: 0, time })).toBe(30_000);
  });
});

describe('a day with steady demand', () => {
  it.each([1.3, 4, 20])(
    'at %s times the budget spends within five percent of even at the end of every hour',
    (times) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const dailyBudgetKrw = 2_000_000;
        const day = { dailyBudgetKrw, priceKrw: 100, demandKrw: times * dailyBudgetKrw, seed };
        const { hourly } = simulate(day);
        hourly.forEach((spent, index) => {
          const even = (dailyBudgetKrw * (index + 1)) / 24;
          expect(Math.abs(spent - even) / even, `seed ${seed}, hour ${index + 1}`).toBeLessThan(0.05);
        });
        expect(hourly.at(-1)).toBeGreaterThan(dailyBudgetKrw * 0.995);
      }
    },
  );

  it('below the budget takes every query, once that is known', () => {
    const { shares } = simulate({ dailyBudgetKrw: 1_000_000, priceKrw: 100, demandKrw: 600_000 });
    expect(Math.min(...shares.slice(60))).toBe(1_000_000);
    expect(Math.min(...shares)).toBeGreaterThan(500_000);
  });

  it('spreads over the chosen hours only', () => {
    const hours = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
    const day = { dailyBudgetKrw: 1_200_000, priceKrw: 100, demandKrw: 9_600_000 };
    const { hourly } = simulate({ ...day, targeting: { daysOfWeek: [], hours } });
    expect(hourly[8]).toBe(0);
    hours.forEach((hour, index) => {
      const even = 100_000 * (index + 1);
      expect(Math.abs((hourly[hour] ?? 0) - even) / even, `hour ${hour}`).toBeLessThan(0.05);
    });
  });
});

describe('the worked example of docs/pacing.md', () => {
  it('says what is computed', () => {
    const targeting = { daysOfWeek: [], hours: [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20] };
    const table: [string, number, number, number][] = [];
    let spent = 0;
    let clicksKrw = 0;
    let state: PacingState | null = null;
    for (let second = 9 * 3_600; second <= 21 * 3_600; second += 1) {
      const now = MIDNIGHT + second * 1_000;
      const time = servingTimeOf(targeting, now);
      if (second % LOOK_S === 0) {
        const facts = { dailyBudgetKrw: 120_000, spentTodayKrw: spent, now, time };
        state = state === null ? firstPacingState(facts) : nextPacing(state, facts);
        const at = new Date(now + 9 * HOUR_MS).toISOString().slice(11, 19);
        table.push([at, Math.round(plannedKrw(facts)), spent, Math.round(state.passPpm / 1_000) / 10]);
      }
      const silent = second >= 13 * 3_600 && second < 14 * 3_600;
      clicksKrw += silent ? 0 : (40_000 / 3_600) * ((state?.passPpm ?? 0) / 1_000_000);
      for (; clicksKrw >= 300 && spent < 120_000; clicksKrw -= 300) spent += 300;
    }
    for (const row of [
      ['09:00:00', 0, 0, 100],
      ['09:00:30', 83, 300, 50],
      ['09:10:00', 1_667, 2_100, 23],
      ['10:00:00', 10_000, 10_200, 22.3],
      ['13:00:00', 40_000, 40_200, 20.7],
      ['14:00:00', 50_000, 40_200, 100],
      ['14:30:00', 55_000, 52_200, 36.9],
      ['15:30:00', 65_000, 64_800, 22.5],
      ['18:00:00', 90_000, 90_000, 26.8],
    ])
      expect(table).toContainEqual(row);
    expect(table.at(-1)?.slice(0, 3)).toEqual(['21:00:00', 120_000, 120_000]);
  });
});

describe('a day that is not steady', () => {
  it('recovers after a silence: what was missed is spread, not burnt, and the budget is spent', () => {
    const day = { dailyBudgetKrw: 2_400_000, priceKrw: 100, demandKrw: 24_000_000 };
    const { hourly } = simulate({ ...day, shape: (hour) => (hour >= 6 && hour < 12 ? 0 : 1) });
    const spentIn = (hour: number) => (hourly[hour] ?? 0) - (hourly[hour - 1] ?? 0);
    expect(hourly[11]).toBe(hourly[5]);
    // Ten times the plan would fit into the demand. Until the demand is measured again some of it is spent.
    expect(spentIn(12)).toBeLessThan(300_000);
    for (let hour = 13; hour < 16; hour += 1) {
      expect(spentIn(hour)).toBeGreaterThan(160_000);
      expect(spentIn(hour)).toBeLessThan(220_000);
    }
    expect(spentIn(22)).toBeLessThan(110_000);
    expect(hourly.at(-1)).toBeGreaterThan(2_390_000);
  });

  it('that begins in the afternoon spreads the budget over what is left of it', () => {
    const day = { dailyBudgetKrw: 900_000, priceKrw: 100, demandKrw: 9_000_000, fromHour: 15 };
    const { hourly } = simulate(day);
    hourly.forEach((spent, index) => {
      const even = 100_000 * (index + 1);
      // The first minutes go at full pace, until the demand is known.
      expect(Math.abs(spent - even) / even, `hour ${15 + index}`).toBeLessThan(index === 0 ? 0.1 : 0.05);
    });
  });

  it('goes on with the share that another monitor left: a campaign that is held back is not let go', () => {
    for (const seed of [1, 2, 3]) {
      const day = { dailyBudgetKrw: 2_000_000, priceKrw: 100, demandKrw: 16_000_000, seed };
      const handoverAtS = 12 * 3_600;
      const { hourly, shares } = simulate({ ...day, handoverAtS });
      const after = shares.slice(handoverAtS / LOOK_S, handoverAtS / LOOK_S + 60);
      expect(Math.max(...after), `seed ${seed}`).toBeLessThan(250_000);
      const spentInHour = (hourly[12] ?? 0) - (hourly[11] ?? 0);
      expect(Math.abs(spentInHour / (2_000_000 / 24) - 1), `seed ${seed}`).toBeLessThan(0.1);
    }
  });

  it('takes everything in the last half hour when it is behind', () => {
    const time = { passedMs: 23.6 * HOUR_MS, leftMs: 0.4 * HOUR_MS, serving: true };
    const facts = { dailyBudgetKrw: 100_000, spentTodayKrw: 90_000, now: MIDNIGHT + 23.6 * HOUR_MS, time };
    expect(nextPassShare({ ...firstPacingState(facts), passPpm: 50_000 }, facts)).toBe(1_000_000);
  });
});

describe('the share, whatever is seen', () => {
  const facts = fc.record({
    dailyBudgetKrw: fc.integer({ min: 1_000, max: 1_000_000_000 }),
    spentTodayKrw: fc.integer({ min: 0, max: 1_000_000_000 }),
    minute: fc.integer({ min: 0, max: 1_439 }),
  });

  it('never starves and never exceeds all', () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 2, maxLength: 40 }), (looks) => {
        let state: PacingState | null = null;
        let now = MIDNIGHT;
        for (const { minute, ...money } of looks) {
          now += minute * 60_000;
          const seen = { ...money, now, time: servingTimeOf(ALWAYS, now) };
          state = state === null ? firstPacingState(seen) : nextPacing(state, seen);
          expect(state.passPpm).toBeGreaterThanOrEqual(LEAST_PASS_PPM);
          expect(state.passPpm).toBeLessThanOrEqual(1_000_000);
          expect(Number.isInteger(state.passPpm)).toBe(true);
        }
      }),
    );
  });

  it('is least once the day’s budget is spent, and stands still outside the serving hours', () => {
    const now = MIDNIGHT + 10 * HOUR_MS;
    const spent = { dailyBudgetKrw: 1_000, spentTodayKrw: 1_000, now, time: servingTimeOf(ALWAYS, now) };
    expect(nextPacing(firstPacingState(spent), spent).passPpm).toBe(LEAST_PASS_PPM);
    const closed = { ...spent, time: servingTimeOf({ daysOfWeek: [], hours: [9] }, now) };
    expect(nextPacing(firstPacingState(closed, 400_000), closed).passPpm).toBe(400_000);
  });
});

describe('who sits a request out', () => {
  it('is the same for the same request, and near the share over many', () => {
    for (const passPpm of [10_000, 250_000, 900_000]) {
      let out = 0;
      for (let index = 0; index < 20_000; index += 1) {
        const requestId = `req_${index.toString(16).padStart(8, '0')}`;
        const leftOut = isLeftOut('cmp_1', requestId, passPpm);
        expect(isLeftOut('cmp_1', requestId, passPpm)).toBe(leftOut);
        if (leftOut) out += 1;
      }
      expect(Math.abs(out / 20_000 - (1 - passPpm / 1_000_000))).toBeLessThan(0.01);
    }
  });

  it('is decided for each campaign on its own', () => {
    let both = 0;
    for (let index = 0; index < 20_000; index += 1) {
      const requestId = `req_${index}`;
      if (isLeftOut('cmp_1', requestId, 500_000) && isLeftOut('cmp_2', requestId, 500_000)) both += 1;
    }
    expect(Math.abs(both / 20_000 - 0.25)).toBeLessThan(0.01);
  });
});
