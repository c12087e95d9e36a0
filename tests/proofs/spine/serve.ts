import { poll } from '../../support/poll.js';
import { newDevice } from '../../support/shop.js';
import { KEYWORD, type ProofCampaign } from './approve.js';
import type { Spine } from './context.js';

/** What a new ad is predicted to get: 4 clicks of 200 impressions. */
const PRIOR_CTR_PPM = 20_000;
const FLOOR_KRW = 50;
const MAX_ADS = 3;

interface ExpectedAd {
  readonly adId: string;
  readonly priceKrw: number;
}

const QUERIES = [
  { placement: 'HOME', query: {} },
  { placement: 'CATEGORY', query: { category: 'toys' } },
  { placement: 'PRODUCT_DETAIL', query: { category: 'toys' } },
  { placement: 'SEARCH', query: { query: ` ${KEYWORD.toUpperCase()} ` } },
] as const;

/** Who stands where and what a click costs, computed here from bids alone, for every placement. */
export async function checkAuctions(spine: Spine, campaigns: readonly ProofCampaign[]): Promise<void> {
  spine.step('Ads by placement, category and keyword: order and price against a computation of the proof');
  for (const { placement, query } of QUERIES) {
    const expected = expectedAds(campaigns, placement);
    const answer = await poll(
      `${placement} is answered with all rivals`,
      async () => {
        const result = await spine.shop.ads({ placement, maxAds: MAX_ADS, deviceId: newDevice(), ...query });
        return result.status === 200 && result.body.ads.length === MAX_ADS ? result : null;
      },
      10_000,
    );
    const shown = answer.body.ads.map((ad) => ad.adId);
    spine.check(
      `${placement}: order`,
      shown.join() === expected.map((ad) => ad.adId).join(),
      `${shown.join(' > ')}`,
    );
    for (const [index, ad] of expected.entries()) {
      const deviceId = newDevice();
      const fresh = await spine.shop.ads({ placement, maxAds: MAX_ADS, deviceId, ...query });
      const click = await spine.shop.click({ clickToken: fresh.body.clickToken, adId: ad.adId, deviceId });
      spine.check(
        `${placement}: slot ${index + 1} costs ${ad.priceKrw} won`,
        click.body.outcome === 'charged' && click.body.chargedCpcKrw === ad.priceKrw,
        JSON.stringify(click.body),
      );
    }
  }
  const unknown = await spine.shop.ads({
    placement: 'SEARCH',
    query: '아무도 사지 않은 말',
    deviceId: newDevice(),
  });
  spine.check(
    'an unknown keyword is answered empty, with the reason',
    unknown.body.ads.length === 0 && unknown.body.noFillReason === 'no_candidates',
    JSON.stringify(unknown.body.noFillReason),
  );
}

/**
 * With equal predicted CTR the highest bid stands first and pays the smallest won that still beats the next
 * advertiser: its bid when the own ad id comes first, one won more otherwise; the floor when nobody is behind.
 */
function expectedAds(campaigns: readonly ProofCampaign[], placement: string): ExpectedAd[] {
  const best = campaigns.map((campaign) => ({
    adId: campaign.ads.map((ad) => ad.adId).sort()[0] ?? '',
    bid: campaign.bids.find((bid) => bid.placement === placement)?.maxCpcKrw ?? 0,
  }));
  best.sort((a, b) => b.bid * PRIOR_CTR_PPM - a.bid * PRIOR_CTR_PPM || (a.adId < b.adId ? -1 : 1));
  return best.slice(0, MAX_ADS).map((ad, index) => {
    const next = best[index + 1];
    const beats = next === undefined ? FLOOR_KRW : next.bid + (ad.adId < next.adId ? 0 : 1);
    return { adId: ad.adId, priceKrw: Math.min(ad.bid, Math.max(FLOOR_KRW, beats)) };
  });
}
