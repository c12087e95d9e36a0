import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../domain/business-date.js';
import { PERFORMANCE_WINDOW_MS } from '../../../domain/performance-window.js';
import { seededRandom } from '../proof.js';
import { compareRows } from './compare.js';
import { Recomputation } from './expected.js';
import { planKills, VICTIMS } from './kills.js';
import { type Logged, parsed, type Sent } from './records.js';
import { createShop, DISORDER_MS } from './shop.js';

const T0 = 1_790_000_100_000;

/** A shop of some minutes, and its records as one partition would hold them. */
function sample(seed: number, acts: number): readonly Sent[] {
  const shop = createShop(seed);
  shop.nextRound();
  return Array.from({ length: acts }, (_, index) => shop.act(T0 + index * 20)).flat();
}

const logged = (records: readonly Sent[]): Logged[] =>
  records.map(({ topic, event }, offset) => ({
    ...parsed(topic, event),
    partition: 0,
    offset,
    maxBefore: Math.max(0, ...records.slice(0, offset).map((before) => before.event.recordedAt)),
  }));

describe('the traffic', () => {
  it('is the same for the same seed, and as the contracts say', () => {
    expect(sample(3, 500)).toEqual(sample(3, 500));
    expect(sample(3, 500)).not.toEqual(sample(4, 500));
    expect(() => logged(sample(5, 2_000))).not.toThrow();
  });

  it('is never ahead of its clock, and hardly behind it', () => {
    const shop = createShop(1);
    shop.nextRound();
    for (let now = T0; now < T0 + 60_000; now += 20) {
      for (const { event } of shop.act(now)) {
        expect(event.recordedAt).toBeLessThanOrEqual(now);
        expect(event.recordedAt).toBeGreaterThan(now - DISORDER_MS - 1_000);
      }
    }
  });

  it('orders on the edge of the 24 hours, a day later', () => {
    const shop = createShop(1);
    shop.nextRound();
    const clicked = new Map<string, number>();
    const distances = new Set<number>();
    for (const begin of [T0, T0 + DAY_MS]) {
      for (let now = begin; now < begin + 40_000; now += 20) {
        for (const { event } of shop.act(now)) {
          if (event.type === 'AD_CLICKED') clicked.set(event.deviceHash, event.recordedAt);
          if (event.type === 'ORDER_LINE_PLACED')
            distances.add(event.recordedAt - (clicked.get(event.deviceHash) ?? 0) - DAY_MS);
        }
      }
    }
    expect([...distances]).toEqual(expect.arrayContaining([-1, 0, 1]));
  });
});

describe('the batch recomputation', () => {
  it('counts repeats once, matches, and finds nothing late in a log within the delay', () => {
    const records = sample(9, 3_000);
    const once = new Recomputation();
    const expected = once.add(logged(records));
    const twice = new Recomputation();
    const repeated = twice.add(logged([...records, ...records.slice(-100)]));
    expect(repeated.windows).toEqual(expected.windows);
    expect(repeated.conversions).toEqual(expected.conversions);
    expect(twice.counts.repeats).toBeGreaterThan(once.counts.repeats);
    expect(once.possiblyLate).toEqual([]);
    expect(expected.conversions.size).toBeGreaterThan(50);
    const lines = [...expected.fates.values()].map((fate) => fate.direct + fate.indirect + fate.unmatched);
    const placed = records.filter(({ event }) => event.type === 'ORDER_LINE_PLACED');
    expect(lines.reduce((sum, some) => sum + some, 0)).toBe(
      new Set(placed.map(({ event }) => event.eventId.replace(/^.*?:/, ''))).size,
    );
  });

  it('tells of a record that a watermark may have passed', () => {
    const isLater = 2 * PERFORMANCE_WINDOW_MS;
    const [served, ...others] = sample(9, 50).filter(({ event }) => event.type === 'ADS_SERVED');
    if (served === undefined) throw new Error('nothing was served');
    const later = others.flatMap((record) =>
      record.topic === 'ad-events'
        ? [{ ...record, event: { ...record.event, recordedAt: record.event.recordedAt + isLater } }]
        : [],
    );
    const late = new Recomputation();
    late.add(logged([...later, served]));
    expect(late.possiblyLate).toHaveLength(1);
    expect(late.possiblyLate[0]).toContain('ADS_SERVED');
  });
});

it('the comparison sees what is missing, what is too much, and what is different', () => {
  const wanted = new Map<string, unknown>([
    ['same', [1, 2]],
    ['missing', 1],
    ['different', { clicks: 1 }],
  ]);
  const found = new Map<string, unknown>([
    ['same', [1, 2]],
    ['different', { clicks: 2 }],
    ['too much', 1],
  ]);
  const { rows, different } = compareRows('rows', wanted, found);
  expect(rows).toBe(3);
  expect(different.map((text) => text.split(':')[0])).toEqual(['missing', 'different', 'too much']);
});

it('every part is killed at least once in every round, whatever the seed', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const plan = planKills(5, 12_000, seededRandom(seed));
    expect(plan).toHaveLength(5);
    expect(new Set(plan.map(({ victim }) => victim)).size).toBe(VICTIMS.length);
    const times = plan.map(({ afterMs }) => afterMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }
});
