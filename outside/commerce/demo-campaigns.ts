import type { CatalogueProduct } from './catalogue.js';
import { keywordsFor } from './keywords.js';
import type { ShopSeller } from './sellers.js';

/** A campaign that one of the demonstration sellers would set up. */
export interface DemoCampaign {
  readonly name: string;
  readonly productIds: readonly string[];
  readonly keywords: readonly string[];
  readonly bids: readonly { readonly placement: string; readonly maxCpcKrw: number }[];
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
}

const ADS_PER_CAMPAIGN = 12;
const KEYWORDS_PER_CAMPAIGN = 12;
const TITLES = ['대표 상품', '신상품', '기획전'] as const;

/**
 * Campaigns of one seller: best sellers first, bids that follow the price of the goods, search dearer than the
 * home page. `random` decides the spread; the same seed gives the same campaigns.
 */
export function demoCampaigns(
  seller: ShopSeller,
  products: readonly CatalogueProduct[],
  count: number,
  random: () => number,
): DemoCampaign[] {
  const own = products.filter((product) => product.sellerId === seller.id);
  const campaigns: DemoCampaign[] = [];
  for (let index = 0; index < count; index += 1) {
    const chosen = own.slice(index * ADS_PER_CAMPAIGN, (index + 1) * ADS_PER_CAMPAIGN);
    if (chosen.length === 0) break;
    const base = 60 + Math.floor(random() ** 2 * 340);
    const bid = (factor: number) => Math.max(50, Math.round((base * factor) / 10) * 10);
    campaigns.push({
      name: `${seller.name} ${TITLES[index % TITLES.length]}`,
      productIds: chosen.map((product) => product.productId),
      keywords: keywordsFor(
        seller.categoryId,
        chosen.map((product) => product.name),
        KEYWORDS_PER_CAMPAIGN,
      ),
      bids: [
        { placement: 'HOME', maxCpcKrw: bid(0.8) },
        { placement: 'CATEGORY', maxCpcKrw: bid(1) },
        { placement: 'PRODUCT_DETAIL', maxCpcKrw: bid(1.1) },
        { placement: 'SEARCH', maxCpcKrw: bid(1.4) },
      ],
      dailyBudgetKrw: 20_000 + Math.floor(random() * 18) * 10_000,
      totalBudgetKrw: random() < 0.3 ? 2_000_000 : null,
    });
  }
  return campaigns;
}
