import { describe, expect, it } from 'vitest';
import { runAuction } from '../../domain/auction.js';
import { RANKING_DEPTH } from '../../domain/placement.js';
import { compareRanked } from '../../domain/ranking.js';
import { createPageTokens } from '../../infra/page-token.js';
import { VisitPages } from './visit-pages.js';

const pages = new VisitPages(createPageTokens(`k:${'11'.repeat(32)}`));
const NOW = 1_795_000_000_000;
/** The longest list that there is, each ad of another advertiser. */
const ranked = Array.from({ length: RANKING_DEPTH }, (_, index) => ({
  adId: `ad_${index}`,
  advertiserId: `adv_${index}`,
  campaignId: `cmp_${index}`,
  productId: `p_${index}`,
  maxCpcKrw: 1_000 + index,
  predictedCtrPpm: 20_000,
  rankScore: (1_000 + index) * 20_000,
  bidFloorKrw: 50,
  startAt: 0,
  endAt: NOW + 1,
})).sort(compareRanked);

function visit(maxAds: number): { slots: number[]; adIds: string[] } {
  const slots: number[] = [];
  const adIds: string[] = [];
  let pageToken: string | undefined;
  for (let asked = 0; asked <= RANKING_DEPTH; asked += 1) {
    const query = { placement: 'HOME', deviceId: 'd', maxAds, ...(pageToken && { pageToken }) } as const;
    const page = pages.open(query, '*', NOW);
    if (!page.ok) throw new Error(page.error.message);
    const { winners } = runAuction(ranked, {
      maxAds,
      firstSlot: page.value.shown.length + 1,
      now: NOW,
      viewedProductId: null,
      isTargeted: () => true,
      isCampaignStopped: () => false,
      isAdvertiserStopped: () => false,
      isAlreadyShown: page.value.isAlreadyShown,
      isPaced: () => false,
      leftKrw: () => Number.POSITIVE_INFINITY,
    });
    if (winners.length === 0) return { slots, adIds };
    slots.push(...winners.map(({ slot }) => slot));
    const shown = winners.map(({ candidate }) => candidate.adId);
    adIds.push(...shown);
    pageToken = pages.next(page.value, query, '*', { requestId: 'r', now: NOW, adIds: shown });
  }
  throw new Error('the visit never comes to an end');
}

describe('a visit of the longest list', () => {
  it.each([1, 7, 20])('in pages of %i shows every ad once, counts slots on, and ends', (maxAds) => {
    const { slots, adIds } = visit(maxAds);
    expect(adIds).toEqual(ranked.map(({ adId }) => adId));
    expect(slots).toEqual(ranked.map((_, index) => index + 1));
  });
});
