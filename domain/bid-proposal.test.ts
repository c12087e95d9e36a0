import { expect, test } from 'vitest';
import { type BidFacts, proposeBid } from './bid-proposal.js';

const facts = (change: Partial<BidFacts>): BidFacts => ({
  maxCpcKrw: 500,
  servedImpressions: 5_000,
  clicks: 50,
  spendKrw: 20_000,
  conversionValueKrw: 40_000,
  ...change,
});

test.each([
  ['sells well', { conversionValueKrw: 80_000 }, 600, 'sells_well'],
  ['sells badly', { conversionValueKrw: 19_999 }, 400, 'sells_badly'],
  ['is rarely shown', { clicks: 2, spendKrw: 800, servedImpressions: 99 }, 550, 'rarely_shown'],
  ['changes in whole steps', { maxCpcKrw: 130, conversionValueKrw: 80_000 }, 150, 'sells_well'],
])('a bid that %s', (_, change, proposedMaxCpcKrw, reason) => {
  expect(proposeBid(facts(change), 50)).toEqual({ proposedMaxCpcKrw, reason });
});

test.each([
  ['fine', {}],
  ['hard to judge', { clicks: 29, conversionValueKrw: 1_000_000 }],
  ['at the floor', { maxCpcKrw: 50, conversionValueKrw: 0 }],
  ['at the ceiling', { maxCpcKrw: 100_000, conversionValueKrw: 80_000 }],
])('a bid that is %s stays', (_, change) => {
  expect(proposeBid(facts(change), 50)).toBeNull();
});

test('never moves by more than a fifth', () => {
  for (let maxCpcKrw = 50; maxCpcKrw <= 100_000; maxCpcKrw += 10) {
    for (const conversionValueKrw of [0, 80_000]) {
      const proposal = proposeBid(facts({ maxCpcKrw, conversionValueKrw }), 50);
      if (proposal === null) continue;
      expect(Math.abs(proposal.proposedMaxCpcKrw - maxCpcKrw) * 5).toBeLessThanOrEqual(maxCpcKrw);
    }
  }
});
