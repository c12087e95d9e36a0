import type { CatalogueProduct } from '../catalogue.js';
import type { Shelves } from '../shelves.js';
import type { ShopClient } from '../shop-client/client.js';
import type { AdQuery, ShopperHeaders } from '../shop-client/types.js';

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

/** The ads for one page, or null: none, none in time, or none that this shop sells. Never rejects. */
export async function adsForPage(
  client: Pick<ShopClient, 'fetchAds'>,
  shelves: Shelves,
  query: AdQuery,
  shopper: ShopperHeaders,
): Promise<ShownAds | null> {
  const answer = await client.fetchAds(query, shopper);
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
