import { setTimeout as delay } from 'node:timers/promises';
import type { CatalogueProduct } from '../catalogue.js';
import type { Shelves } from '../shelves.js';
import type { ShopAdQuery, ShopClient, ShopperHeaders } from '../shop-client.js';

export interface ShownAd {
  readonly adId: string;
  readonly product: CatalogueProduct;
  /** Reports the click and goes on to the product. */
  readonly clickHref: string;
}

export interface ShownAds {
  readonly ads: readonly ShownAd[];
  /** A picture that nobody sees; fetching it says that these ads came into view. */
  readonly seenHref: string;
}

/** From here on a page is shown without ads. */
export const ADS_WITHIN_MS = 300;

/** The ads for one page, or null: none, none in time, or none that this shop sells. Never rejects. */
export async function adsForPage(
  client: Pick<ShopClient, 'fetchAds'>,
  shelves: Shelves,
  query: ShopAdQuery,
  shopper: ShopperHeaders,
): Promise<ShownAds | null> {
  const timer = new AbortController();
  const late = delay(ADS_WITHIN_MS, null, { signal: timer.signal }).catch(() => null);
  const answer = await Promise.race([client.fetchAds(query, shopper), late]);
  timer.abort();
  if (answer === null) return null;
  const token = answer.clickToken;
  const ads = answer.ads.flatMap(({ adId, productId }) => {
    const product = shelves.find(productId);
    const params = new URLSearchParams({ ad: adId, product: productId, token });
    return product === undefined ? [] : [{ adId, product, clickHref: `/click?${params}` }];
  });
  if (ads.length === 0) return null;
  const seen = new URLSearchParams({ ads: ads.map(({ adId }) => adId).join(), token });
  return { ads, seenHref: `/seen.gif?${seen}` };
}
