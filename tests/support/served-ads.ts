import type { AdsServed } from '../../contracts/events/ad-events.js';

export type ServedAd = Pick<AdsServed['served'][number], 'requestId' | 'placement'> &
  AdsServed['served'][number]['ads'][number];

/** Every ad of an ADS_SERVED with its request. */
export const servedAdsOf = ({ served }: Pick<AdsServed, 'served'>): ServedAd[] =>
  served.flatMap(({ ads, ...request }) => ads.map((ad) => ({ ...request, ...ad })));

/** The inverse: each ad as a request of its own. */
export const asServed = (ads: readonly ServedAd[]): AdsServed['served'] =>
  ads.map(({ requestId, placement, slot, adId, campaignId }) => ({
    requestId,
    placement,
    ads: [{ slot, adId, campaignId }],
  }));
