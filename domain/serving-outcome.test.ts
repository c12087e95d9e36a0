import { describe, expect, test } from 'vitest';
import { NO_BID_REASONS } from './auction.js';
import {
  addCounts,
  SERVING_OUTCOMES,
  type ServingSample,
  sampleForSeller,
  summariseOutcomes,
} from './serving-outcome.js';

test('every reason of the auction is an outcome that is counted', () => {
  expect([...SERVING_OUTCOMES].sort()).toEqual(
    ['won', 'not_examined', 'sibling_not_examined', ...Object.keys(NO_BID_REASONS)].sort(),
  );
});

describe('what a seller reads', () => {
  test('the commonest reason first; those never looked at count as outranked, as an estimate', () => {
    const summary = summariseOutcomes({ won: 30, not_targeted: 20, outranked: 10, not_examined: 40 });
    expect(summary).toEqual({
      considered: 100,
      examined: 60,
      won: 30,
      winRate: 0.3,
      isEstimate: true,
      reasons: [
        { reason: 'outranked', number: 402, count: 50, share: 0.5, isEstimate: true },
        { reason: 'not_targeted', number: 302, count: 20, share: 0.2, isEstimate: false },
      ],
    });
  });

  test('own ads that took part instead do not lower the rate', () => {
    expect(summariseOutcomes({ won: 50, sibling_ranked_higher: 50 }).winRate).toBe(1);
    expect(summariseOutcomes({ won: 50, sibling_ranked_higher: 10, sibling_not_examined: 90 })).toEqual({
      considered: 150,
      examined: 60,
      won: 50,
      winRate: 1,
      isEstimate: true,
      reasons: [
        { reason: 'sibling_ranked_higher', number: 401, count: 100, share: 0.6667, isEstimate: true },
      ],
    });
  });

  test('nothing considered has no rate', () => {
    expect(summariseOutcomes({})).toMatchObject({ considered: 0, winRate: null, reasons: [] });
    expect(summariseOutcomes({ sibling_ranked_higher: 3 }).winRate).toBeNull();
  });

  test('sums are outcome by outcome', () => {
    const sum = addCounts({ won: 1, paced: 2 }, { won: 3, outranked: 4 });
    expect([sum.won, sum.paced, sum.outranked, sum.ended]).toEqual([4, 2, 4, 0]);
  });
});

describe('a sample shown to a seller', () => {
  const sample: ServingSample = {
    at: 0,
    placement: 'HOME',
    target: '*',
    adId: 'ad_own',
    outcome: 'outranked',
    ownRank: 7,
    slots: 5,
    slot: null,
    priceKrw: null,
    rankScore: 6_000_000,
    maxCpcKrw: 300,
    predictedCtrPpm: 20_000,
    lowestWinningScore: 8_123_456,
    lowestWinningPriceKrw: 301,
  };

  test('tells the winner rounded only: a tenth of the ratio, a hundred won', () => {
    const shown = sampleForSeller(sample);
    expect(shown).toMatchObject({ lowestWinningScoreRatio: 1.4, lowestWinningPriceLevelKrw: 400 });
    expect(JSON.stringify(shown)).not.toMatch(/8123456|"?301\b/);
  });

  test('tells nothing where nobody had to be beaten, or the own score is none', () => {
    expect(
      sampleForSeller({ ...sample, lowestWinningScore: null, lowestWinningPriceKrw: null }),
    ).toMatchObject({ lowestWinningScoreRatio: null, lowestWinningPriceLevelKrw: null });
    expect(sampleForSeller({ ...sample, rankScore: 0 }).lowestWinningScoreRatio).toBeNull();
  });
});
