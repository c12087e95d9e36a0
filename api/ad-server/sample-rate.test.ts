import { describe, expect, test } from 'vitest';
import { SampleRate } from './sample-rate.js';

/** The same numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A second of auctions: how many were sampled, and for how many these stand. */
function second(rate: SampleRate, auctions: number): { taken: number; stoodFor: number } {
  let taken = 0;
  let stoodFor = 0;
  for (let auction = 0; auction < auctions; auction += 1) {
    const weight = rate.take();
    if (weight > 0) taken += 1;
    stoodFor += weight;
  }
  rate.adapt(1_000);
  return { taken, stoodFor };
}

describe('sampling of auctions', () => {
  test('takes every auction of quiet traffic, each for itself', () => {
    const rate = new SampleRate(seeded(1));
    for (let at = 0; at < 5; at += 1) expect(second(rate, 19)).toEqual({ taken: 19, stoodFor: 19 });
  });

  test('takes about twenty a second of steady traffic', () => {
    const rate = new SampleRate(seeded(2));
    second(rate, 5_000);
    const taken = Array.from({ length: 60 }, () => second(rate, 5_000).taken);
    expect(taken.reduce((sum, one) => sum + one, 0) / taken.length).toBeGreaterThan(15);
    expect(Math.max(...taken)).toBeLessThan(60);
  });

  test('a burst out of silence is bounded at once', () => {
    const rate = new SampleRate(seeded(3));
    second(rate, 1);
    expect(second(rate, 100_000).taken).toBeLessThan(300);
  });

  test('stands for all auctions on average, however the traffic moves', () => {
    const rate = new SampleRate(seeded(4));
    let auctions = 0;
    let stoodFor = 0;
    for (let at = 0; at < 2_000; at += 1) {
      const load = at % 7 === 0 ? 3_000 : at % 3 === 0 ? 10 : 800;
      auctions += load;
      stoodFor += second(rate, load).stoodFor;
    }
    expect(Math.abs(stoodFor / auctions - 1)).toBeLessThan(0.03);
  });

  test('a page that is asked every other time is neither missed nor counted for both', () => {
    const rate = new SampleRate(seeded(5));
    let stoodFor = 0;
    for (let at = 0; at < 600; at += 1) {
      for (let auction = 0; auction < 400; auction += 1) {
        const weight = rate.take();
        if (auction % 2 === 0) stoodFor += weight;
      }
      rate.adapt(1_000);
    }
    expect(Math.abs(stoodFor / (600 * 200) - 1)).toBeLessThan(0.05);
  });
});
