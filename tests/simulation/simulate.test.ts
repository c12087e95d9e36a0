import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);

describe('clicks through a world that loses parts', () => {
  it('are decided exactly once, in order, to the won', () => {
    const runs = SEEDS.map((seed) => simulate(seed));
    expect(runs.flatMap(({ violations }) => violations)).toEqual([]);
    expect(Math.min(...runs.map(({ faults }) => faults))).toBeGreaterThan(10);
    expect(Math.min(...runs.map(({ charged }) => charged))).toBeGreaterThan(0);
  });

  it('take the same course for the same seed', () => {
    expect(simulate(7).trace).toBe(simulate(7).trace);
    expect(simulate(7).trace).not.toBe(simulate(8).trace);
  });

  it.each([
    'forgets_known_clicks',
    'offset_before_decision',
    'counts_refused_clicks',
    'splits_commit',
  ] as const)('are seen to go wrong when the store %s', (flaw) => {
    expect(SEEDS.some((seed) => simulate(seed, flaw).violations.length > 0)).toBe(true);
  });
});
