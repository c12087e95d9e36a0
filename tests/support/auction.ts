import { type AuctionCandidate, type AuctionRules, runAuction } from '../../domain/auction.js';
import { compareRanked, rankScore } from '../../domain/ranking.js';

/** Auctions by hand: every candidate of an advertiser, campaign and product of its own, nothing forbidden. */
export const FLOOR_KRW = 50;

export function candidate(overrides: Partial<AuctionCandidate> & { adId: string }): AuctionCandidate {
  const maxCpcKrw = overrides.maxCpcKrw ?? 100;
  const predictedCtrPpm = overrides.predictedCtrPpm ?? 20_000;
  return {
    advertiserId: `adv-of-${overrides.adId}`,
    campaignId: `cmp-of-${overrides.adId}`,
    productId: `product-of-${overrides.adId}`,
    maxCpcKrw,
    predictedCtrPpm,
    rankScore: rankScore(maxCpcKrw, predictedCtrPpm),
    bidFloorKrw: FLOOR_KRW,
    startAt: 0,
    endAt: 1_000,
    ...overrides,
  };
}

export function rules(overrides: Partial<AuctionRules> = {}): AuctionRules {
  return {
    maxAds: 5,
    firstSlot: 1,
    now: 500,
    viewedProductId: null,
    isTargeted: () => true,
    isCampaignStopped: () => false,
    isAdvertiserStopped: () => false,
    isAlreadyShown: () => false,
    isPaced: () => false,
    leftKrw: () => Number.POSITIVE_INFINITY,
    ...overrides,
  };
}

export const run = (candidates: readonly AuctionCandidate[], overrides: Partial<AuctionRules> = {}) =>
  runAuction([...candidates].sort(compareRanked), rules(overrides));
export const reasonOf = (adId: string, result: ReturnType<typeof run>) =>
  result.dropped.find((drop) => drop.candidate.adId === adId)?.reason;
