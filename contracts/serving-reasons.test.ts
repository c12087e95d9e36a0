import { describe, expect, test } from 'vitest';
import { parseServingSamples, sumServingCounts } from './serving-reasons.js';

describe('counts from Redis', () => {
  test('are summed by placement and outcome', () => {
    const sums = sumServingCounts([
      { 'HOME:won': '3', 'SEARCH:paced': '1' },
      { 'HOME:won': '4', 'PRODUCT_DETAIL:viewed_product': '2' },
    ]);
    expect(sums).toEqual({
      HOME: { won: 7 },
      CATEGORY: {},
      PRODUCT_DETAIL: { viewed_product: 2 },
      SEARCH: { paced: 1 },
    });
  });

  test('that are no counts of ours are left out', () => {
    const odd = { 'HOME:won': 'many', 'HOME:lost': '5', 'ATTIC:won': '5', 'SEARCH:won': '-1', won: '5' };
    expect(sumServingCounts([odd, { 'CATEGORY:won': '1.5' }])).toEqual(sumServingCounts([]));
  });
});

describe('samples from Redis', () => {
  const sample = {
    at: 1,
    placement: 'HOME',
    target: '*',
    adId: 'ad',
    outcome: 'won',
    ownRank: 1,
    slots: 5,
    slot: 1,
    priceKrw: 50,
    rankScore: 1,
    maxCpcKrw: 50,
    predictedCtrPpm: 1,
    lowestWinningScore: null,
    lowestWinningPriceKrw: null,
  };

  test.each([
    'not json',
    '{}',
    JSON.stringify({ ...sample, outcome: 'lost' }),
    JSON.stringify({ ...sample, placement: 'ATTIC' }),
    JSON.stringify({ ...sample, maxCpcKrw: -1 }),
  ])('%s is left out, and the readable ones stay', (text) => {
    expect(parseServingSamples([text, JSON.stringify(sample)])).toEqual([sample]);
  });
});
