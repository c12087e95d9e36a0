import { describe, expect, it } from 'vitest';
import { type RankingEntry, rankingEntrySchema } from '../contracts/ranking-entry.js';
import { parseRankingBlob } from './ranking-blob.js';

const entry: RankingEntry = {
  adId: 'ad_1',
  campaignId: 'cmp_1',
  advertiserId: 'adv_1',
  productId: 'p1',
  maxCpcKrw: 120,
  predictedCtrPpm: 20_000,
  rankScore: 2_400_000,
  campaignVersion: 1,
  parametersVersion: 1,
  bidFloorKrw: 50,
  startAt: 0,
  endAt: 1,
};

describe('ranking blob', () => {
  it('reads what the ranking writes, extra fields tolerated', () => {
    expect(parseRankingBlob(JSON.stringify([entry]))).toEqual([entry]);
    expect(parseRankingBlob(JSON.stringify([{ ...entry, note: 1 }]))).toHaveLength(1);
    expect(parseRankingBlob('[]')).toEqual([]);
  });

  it('puts entries into ranking order', () => {
    const second = { ...entry, adId: 'ad_0', maxCpcKrw: 100, rankScore: 2_000_000 };
    const tied = { ...entry, adId: 'ad_0' };
    expect(parseRankingBlob(JSON.stringify([second, entry, tied]))?.map((ad) => ad.maxCpcKrw)).toEqual([
      120, 120, 100,
    ]);
    expect(parseRankingBlob(JSON.stringify([entry, tied]))?.map((ad) => ad.adId)).toEqual(['ad_0', 'ad_1']);
  });

  it.each(Object.keys(entry))('refuses the whole ranking when %s is missing or of another kind', (field) => {
    const { [field as keyof RankingEntry]: _left, ...rest } = entry;
    expect(parseRankingBlob(JSON.stringify([entry, rest]))).toBeNull();
    expect(parseRankingBlob(JSON.stringify([entry, { ...entry, [field]: null }]))).toBeNull();
  });

  it('asks for exactly the fields of the contract', () => {
    const fields = Object.keys(rankingEntrySchema.shape).filter((name) => name !== 'targeting');
    expect(fields.sort()).toEqual(Object.keys(entry).sort());
    expect(rankingEntrySchema.safeParse(entry).success).toBe(true);
  });

  it.each([
    ['no JSON', '[{'],
    ['no list', '{}'],
    ['a score that is not bid times rate', JSON.stringify([{ ...entry, rankScore: 2_400_001 }])],
    ['a targeting that is no text', JSON.stringify([{ ...entry, targeting: {} }])],
    ['a fraction', JSON.stringify([{ ...entry, maxCpcKrw: 1.5 }])],
  ])('refuses %s', (_what, text) => {
    expect(parseRankingBlob(text)).toBeNull();
  });
});
