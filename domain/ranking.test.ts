import { describe, expect, it } from 'vitest';
import { runAuction } from './auction.js';
import {
  compareRanked,
  DEFAULT_RANKING_PARAMETERS,
  predictedCtrPpm,
  rankScore,
  slotWeightMilli,
} from './ranking.js';

/** An ad as the ranking sees it: its bid and its counts of the last day. */
interface Counted {
  readonly adId: string;
  readonly maxCpcKrw: number;
  clicks: number;
  weightedImpressionsMilli: number;
}

/** The worked example of docs/adr/0012: two known ads and one that nobody has seen yet. */
function market(): { a: Counted; b: Counted; fresh: Counted; all: readonly Counted[] } {
  const a = { adId: 'a', maxCpcKrw: 300, clicks: 120, weightedImpressionsMilli: 10_000_000 };
  const b = { adId: 'b', maxCpcKrw: 250, clicks: 100, weightedImpressionsMilli: 8_000_000 };
  const fresh = { adId: 'new', maxCpcKrw: 200, clicks: 0, weightedImpressionsMilli: 0 };
  return { a, b, fresh, all: [a, b, fresh] };
}

const ctrOf = ({ clicks, weightedImpressionsMilli }: Counted) =>
  predictedCtrPpm(clicks, weightedImpressionsMilli, DEFAULT_RANKING_PARAMETERS);

function auctionOf(ads: readonly Counted[], maxAds = 3) {
  const ranked = ads.map((ad) => ({
    adId: ad.adId,
    advertiserId: `adv-of-${ad.adId}`,
    campaignId: `cmp-of-${ad.adId}`,
    productId: `product-of-${ad.adId}`,
    maxCpcKrw: ad.maxCpcKrw,
    predictedCtrPpm: ctrOf(ad),
    rankScore: rankScore(ad.maxCpcKrw, ctrOf(ad)),
    bidFloorKrw: DEFAULT_RANKING_PARAMETERS.bidFloorKrw,
    startAt: 0,
    endAt: 1,
  }));
  return runAuction(ranked.sort(compareRanked), {
    maxAds,
    firstSlot: 1,
    now: 0,
    viewedProductId: null,
    isTargeted: () => true,
    isCampaignStopped: () => false,
    isAdvertiserStopped: () => false,
    isAlreadyShown: () => false,
    isPaced: () => false,
    leftKrw: () => Number.POSITIVE_INFINITY,
  }).winners;
}

const orderOf = (ads: readonly Counted[]) => auctionOf(ads).map((winner) => winner.candidate.adId);
const slotOf = (ad: Counted, ads: readonly Counted[]) => orderOf(ads).indexOf(ad.adId) + 1;
const priceOf = (ad: Counted, ads: readonly Counted[]) =>
  auctionOf(ads).find((winner) => winner.candidate.adId === ad.adId)?.priceKrw;

/** Shown again and again where its rank puts it, never clicked: how often until it stands in `slot`. */
function unclickedUntil(slot: number, ad: Counted, ads: readonly Counted[]): number {
  for (let times = 0; times < 10_000; times += 1) {
    const stands = slotOf(ad, ads);
    if (stands >= slot) return times;
    ad.weightedImpressionsMilli += slotWeightMilli(stands);
  }
  throw new Error(`never in slot ${slot}`);
}

describe('a new ad', () => {
  it('overtakes known ads that bid more, and pays against them', () => {
    const { fresh, all } = market();
    expect(orderOf(all)).toEqual(['new', 'a', 'b']);
    expect(all.map((ad) => rankScore(ad.maxCpcKrw, ctrOf(ad)))).toEqual([3_646_800, 3_170_500, 4_000_000]);
    expect(priceOf(fresh, all)).toBe(183);
  });

  it('falls back after a bounded number of impressions when nobody clicks it', () => {
    const { fresh, all } = market();
    expect(unclickedUntil(2, fresh, all)).toBe(20);
    expect(unclickedUntil(3, fresh, all)).toBe(39);
    expect(orderOf(all)).toEqual(['a', 'b', 'new']);
  });

  it('stays when it is clicked, and its click becomes cheaper', () => {
    const { fresh, all } = market();
    fresh.clicks = 12;
    fresh.weightedImpressionsMilli = 500_000;
    expect(ctrOf(fresh)).toBe(22_857);
    expect(slotOf(fresh, all)).toBe(1);
    expect(priceOf(fresh, all)).toBe(160);
  });

  it('that is as good as the known ones ends where its bid belongs', () => {
    const { fresh, all } = market();
    fresh.clicks = 60;
    fresh.weightedImpressionsMilli = 5_000_000;
    expect(orderOf(all)).toEqual(['a', 'b', 'new']);
    expect(ctrOf(fresh)).toBe(12_307);
  });

  it('is not blamed for a low slot: the lower it stands, the more often it is tried', () => {
    const tries = [1, 2, 5].map((slot) => {
      const one = { adId: 'x', maxCpcKrw: 1, clicks: 0, weightedImpressionsMilli: 0 };
      let times = 0;
      for (; ctrOf(one) > 10_000; times += 1) one.weightedImpressionsMilli += slotWeightMilli(slot);
      return times;
    });
    expect(tries).toEqual([200, 236, 385]);
  });
});
