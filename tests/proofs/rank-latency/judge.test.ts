import { expect, it } from 'vitest';
import type { RankingEntry } from '../../../contracts/ranking-entry.js';
import { faultsOf, missingBetween } from './judge.js';

function entry(adId: string, maxCpcKrw: number, more: Partial<RankingEntry> = {}): RankingEntry {
  return {
    adId,
    campaignId: `campaign-of-${adId.slice(0, 1)}`,
    advertiserId: `advertiser-of-${adId.slice(0, 1)}`,
    productId: 'p',
    maxCpcKrw,
    predictedCtrPpm: 20_000,
    rankScore: maxCpcKrw * 20_000,
    campaignVersion: 1,
    parametersVersion: 1,
    bidFloorKrw: 50,
    startAt: 0,
    endAt: 1,
    ...more,
  };
}
const found = (...entries: RankingEntry[]) => faultsOf(JSON.stringify(entries)).faults;

it('finds nothing in a ranking that is right', () => {
  expect(found(entry('a1', 300), entry('a2', 300), entry('b1', 200))).toEqual([]);
  expect(faultsOf('[]').faults).toEqual([]);
});

it('finds each fault of a ranking', () => {
  expect(faultsOf('[{').faults).toEqual(['unreadable']);
  expect(found(entry('a1', 200), entry('b1', 300))).toEqual(['not sorted']);
  expect(found(entry('b1', 200), entry('a1', 200))).toEqual(['not sorted']);
  expect(found(entry('a1', 200, { rankScore: 1 }))).toEqual(['wrong score']);
  expect(found(entry('a1', 200), entry('a1', 200))).toEqual(['an ad twice']);
  const four = ['a1', 'a2', 'a3', 'a4'].map((adId) => entry(adId, 200));
  expect(found(...four)).toEqual(['more ads of an advertiser than allowed']);
  expect(found(entry('a1', 300, { campaignVersion: 2 }), entry('a2', 300))).toEqual([
    'half-updated campaign',
  ]);
  expect(found(entry('a1', 300), entry('a2', 200))).toEqual(['half-updated campaign']);
  expect(found(entry('a1', 300, { parametersVersion: 2 }), entry('b1', 200))).toEqual(['mixed generations']);
});

it('finds an ad that is left out between two rankings, but not one at the end of a full one', () => {
  const [a, b, c] = [entry('a1', 300), entry('b1', 200), entry('c1', 100)];
  expect(missingBetween([a, b], [a], [a, b], 200)).toEqual(['b1']);
  expect(missingBetween([a, b], [a], [a], 200)).toEqual([]);
  expect(missingBetween([a, b, c], [a, b], [a, b, c], 3)).toEqual([]);
});
