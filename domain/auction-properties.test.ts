import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidate, FLOOR_KRW, rules, run } from '../tests/support/auction.js';
import type { AuctionCandidate, AuctionRules, NoBidReason } from './auction.js';
import { compareRanked, rankScore } from './ranking.js';

const MOST_ADS = 25;
const market = fc
  .array(
    fc.record({
      advertiser: fc.integer({ min: 0, max: 6 }),
      maxCpcKrw: fc.integer({ min: FLOOR_KRW, max: 3_000 }),
      predictedCtrPpm: fc.integer({ min: 1, max: 1_000_000 }),
    }),
    { minLength: 1, maxLength: MOST_ADS },
  )
  .map((ads) =>
    ads.map((ad, index) =>
      candidate({
        adId: `ad-${String(index).padStart(2, '0')}`,
        advertiserId: `adv-${ad.advertiser}`,
        maxCpcKrw: ad.maxCpcKrw,
        predictedCtrPpm: ad.predictedCtrPpm,
      }),
    ),
  );
const slots = fc.integer({ min: 1, max: 8 });
const slotOf = (adId: string, result: ReturnType<typeof run>) =>
  result.winners.find((winner) => winner.candidate.adId === adId);
const withBid = (ads: AuctionCandidate[], adId: string, maxCpcKrw: number, ctrPpm?: number) =>
  ads.map((ad) => {
    if (ad.adId !== adId) return ad;
    const predictedCtrPpm = ctrPpm ?? ad.predictedCtrPpm;
    return { ...ad, maxCpcKrw, predictedCtrPpm, rankScore: rankScore(maxCpcKrw, predictedCtrPpm) };
  });

describe('for every market', () => {
  it('charges at least the floor and at most the own bid', () => {
    fc.assert(
      fc.property(market, slots, (ads, maxAds) => {
        for (const { candidate: ad, priceKrw } of run(ads, { maxAds }).winners) {
          expect(priceKrw).toBeGreaterThanOrEqual(ad.bidFloorKrw);
          expect(priceKrw).toBeLessThanOrEqual(ad.maxCpcKrw);
        }
      }),
    );
  });

  it('orders winners by score, ties by ad id, one per advertiser', () => {
    fc.assert(
      fc.property(market, slots, (ads, maxAds) => {
        const shown = run(ads, { maxAds }).winners.map((winner) => winner.candidate);
        expect(shown).toEqual([...shown].sort(compareRanked));
        expect(new Set(shown.map((ad) => ad.advertiserId)).size).toBe(shown.length);
      }),
    );
  });

  it('takes the smallest price that keeps the slot', () => {
    fc.assert(
      fc.property(market, slots, (ads, maxAds) => {
        for (const winner of run(ads, { maxAds }).winners) {
          const { adId, advertiserId } = winner.candidate;
          const alone = ads.filter((ad) => ad.adId === adId || ad.advertiserId !== advertiserId);
          const at = (krw: number) => slotOf(adId, run(withBid(alone, adId, krw), { maxAds }))?.slot;
          expect(at(winner.priceKrw)).toBe(winner.slot);
          if (winner.priceKrw > FLOOR_KRW) expect(at(winner.priceKrw - 1)).not.toBe(winner.slot);
        }
      }),
    );
  });

  it('never lets own siblings set the price', () => {
    fc.assert(
      fc.property(market, slots, (ads, maxAds) => {
        for (const winner of run(ads, { maxAds }).winners) {
          const { adId, advertiserId } = winner.candidate;
          const alone = ads.filter((ad) => ad.adId === adId || ad.advertiserId !== advertiserId);
          expect(slotOf(adId, run(alone, { maxAds }))?.priceKrw).toBe(winner.priceKrw);
        }
      }),
    );
  });

  it('never takes a slot away for a higher bid, nor changes the price within the slot', () => {
    fc.assert(
      fc.property(market, slots, fc.integer({ min: 1, max: 2_000 }), (ads, maxAds, raiseKrw) => {
        for (const winner of run(ads, { maxAds }).winners) {
          const { adId, maxCpcKrw } = winner.candidate;
          const after = slotOf(adId, run(withBid(ads, adId, maxCpcKrw + raiseKrw), { maxAds }));
          expect(after?.slot).toBeLessThanOrEqual(winner.slot);
          if (after?.slot === winner.slot) expect(after.priceKrw).toBe(winner.priceKrw);
        }
      }),
    );
  });

  it('never charges more for more quality in the same slot against the same rivals', () => {
    fc.assert(
      fc.property(market, slots, fc.integer({ min: 1, max: 500_000 }), (ads, maxAds, gainPpm) => {
        for (const winner of run(ads, { maxAds }).winners) {
          const { adId, maxCpcKrw, predictedCtrPpm } = winner.candidate;
          const better = withBid(ads, adId, maxCpcKrw, predictedCtrPpm + gainPpm);
          const after = slotOf(adId, run(better, { maxAds }));
          if (after?.slot === winner.slot) expect(after.priceKrw).toBeLessThanOrEqual(winner.priceKrw);
        }
      }),
    );
  });

  it('does not depend on the order in which equals came in', () => {
    const shuffled = market.chain((ads) =>
      fc.tuple(fc.constant(ads), fc.shuffledSubarray(ads, { minLength: ads.length })),
    );
    fc.assert(
      fc.property(shuffled, slots, ([ads, others], maxAds) => {
        expect(run(others, { maxAds })).toEqual(run(ads, { maxAds }));
      }),
    );
    const equals = ['c', 'a', 'b'].map((adId) => candidate({ adId }));
    expect(run(equals).winners.map((winner) => winner.candidate.adId)).toEqual(['a', 'b', 'c']);
  });

  it('accounts for every candidate exactly once', () => {
    fc.assert(
      fc.property(market, slots, (ads, maxAds) => {
        const result = run(ads, { maxAds });
        expect(result.winners.length + result.dropped.length).toBe(result.examined);
        expect(result.examined).toBeLessThanOrEqual(ads.length);
      }),
    );
  });
});

/** A market, and a shop, a schedule and purses that forbid or limit some of it. */
const limits = fc.array(
  fc.record({
    forbidden: fc.option(fc.integer({ min: 0, max: 7 }), { freq: 2 }),
    leftKrw: fc.option(fc.nat({ max: 3_000 }), { nil: Number.POSITIVE_INFINITY, freq: 2 }),
  }),
  { minLength: MOST_ADS, maxLength: MOST_ADS },
);
const limitedMarket = fc.tuple(market, limits).map(([ads, all]) => {
  const limited = ads.map((ad, index) => ({ ad, ...(all[index] ?? { forbidden: null, leftKrw: 0 }) }));
  const isForbidden = (kind: number, id: string, pick: (ad: AuctionCandidate) => string) =>
    limited.some(({ ad, forbidden }) => forbidden === kind && pick(ad) === id);
  const candidates = limited.map(({ ad, forbidden }) => ({
    ...ad,
    ...(forbidden === 0 ? { startAt: 501 } : {}),
    ...(forbidden === 1 ? { endAt: 500 } : {}),
    ...(forbidden === 2 ? { targeting: 'nobody' } : {}),
    ...(forbidden === 3 ? { productId: 'viewed' } : {}),
  }));
  const hooks: Partial<AuctionRules> = {
    viewedProductId: 'viewed',
    isTargeted: (targeting) => targeting !== 'nobody',
    isCampaignStopped: (id) => isForbidden(4, id, (ad) => ad.campaignId),
    isAdvertiserStopped: (id) => isForbidden(5, id, (ad) => ad.advertiserId),
    isAlreadyShown: (id) => isForbidden(6, id, (ad) => ad.adId),
    isPaced: (id) => isForbidden(7, id, (ad) => ad.campaignId),
    leftKrw: (id) => limited.find(({ ad }) => ad.campaignId === id)?.leftKrw ?? 0,
  };
  return { candidates, hooks: rules(hooks) };
});

/** Whether this reason is true of this candidate; what stands above it is another matter. */
const forbids: Readonly<
  Partial<Record<NoBidReason, (ad: AuctionCandidate, hooks: AuctionRules) => boolean>>
> = {
  not_started: (ad, { now }) => now < ad.startAt,
  ended: (ad, { now }) => now >= ad.endAt,
  campaign_stopped: (ad, hooks) => hooks.isCampaignStopped(ad.campaignId, hooks.now),
  advertiser_stopped: (ad, hooks) => hooks.isAdvertiserStopped(ad.advertiserId, hooks.now),
  below_floor: (ad) => ad.maxCpcKrw < ad.bidFloorKrw,
  viewed_product: (ad, hooks) => ad.productId === hooks.viewedProductId,
  already_shown: (ad, hooks) => hooks.isAlreadyShown(ad.adId),
  not_targeted: (ad, hooks) => ad.targeting !== undefined && !hooks.isTargeted(ad.targeting),
  paced: (ad, hooks) => hooks.isPaced(ad.campaignId),
};

describe('for every market with limits', () => {
  const limited = (
    check: (result: ReturnType<typeof run>, candidates: AuctionCandidate[], hooks: AuctionRules) => void,
  ) =>
    fc.assert(
      fc.property(limitedMarket, slots, ({ candidates, hooks }, maxAds) => {
        check(run(candidates, { ...hooks, maxAds }), candidates, { ...hooks, maxAds });
      }),
      { numRuns: 500 },
    );

  it('nobody wins whom a rule forbids, and every reason given is true', () => {
    limited(({ winners, dropped }, _, hooks) => {
      for (const { candidate: ad } of winners) {
        for (const isForbidden of Object.values(forbids)) expect(isForbidden(ad, hooks)).toBe(false);
      }
      for (const { candidate: ad, reason } of dropped)
        expect(forbids[reason]?.(ad, hooks) ?? true).toBe(true);
    });
  });

  it('every price can be paid, and stays between the floor and the own bid', () => {
    limited(({ winners }, _, hooks) => {
      for (const { candidate: ad, priceKrw } of winners) {
        expect(priceKrw).toBeLessThanOrEqual(hooks.leftKrw(ad.campaignId, ad.advertiserId));
        expect(priceKrw).toBeGreaterThanOrEqual(ad.bidFloorKrw);
        expect(priceKrw).toBeLessThanOrEqual(ad.maxCpcKrw);
      }
      expect(new Set(winners.map((winner) => winner.candidate.advertiserId)).size).toBe(winners.length);
    });
  });

  it('those who cannot pay leave no trace in the prices of the others', () => {
    limited(({ winners, dropped }, candidates, hooks) => {
      const broke = new Set(
        dropped.filter(({ reason }) => reason === 'cannot_afford').map((drop) => drop.candidate),
      );
      const others = candidates.filter((ad) => !broke.has(ad));
      expect(run(others, { ...hooks, leftKrw: () => Infinity }).winners).toEqual(winners);
    });
  });

  it('one slot more changes nothing above it', () => {
    limited(({ winners }, candidates, hooks) => {
      const more = run(candidates, { ...hooks, maxAds: hooks.maxAds + 1 });
      expect(more.winners.slice(0, hooks.maxAds)).toEqual(winners);
    });
  });

  it('tells of each candidate in rank order, and of nobody else', () => {
    limited(({ dropped, examined }, candidates) => {
      const told = dropped.map(({ candidate: ad }) => ad);
      expect(told).toEqual([...told].sort(compareRanked));
      const looked = new Set([...candidates].sort(compareRanked).slice(0, examined));
      expect(told.every((ad) => looked.has(ad))).toBe(true);
    });
  });

  it('accounts for every candidate exactly once', () => {
    limited(({ winners, dropped, examined }, candidates) => {
      expect(winners.length + dropped.length).toBe(examined);
      const told = [...winners, ...dropped].map((one) => one.candidate.adId);
      expect(new Set(told).size).toBe(told.length);
      expect(examined).toBeLessThanOrEqual(candidates.length);
    });
  });
});
