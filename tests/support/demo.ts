import { SHOP_CATEGORIES } from '../../outside/commerce/categories.js';

/** One query for each placement and category, as the demonstration shop asks. */
export function standardQueries(): Readonly<Record<string, string | number>>[] {
  const perCategory = SHOP_CATEGORIES.flatMap(({ id }) => [
    { placement: 'CATEGORY', category: id, maxAds: 5 },
    { placement: 'PRODUCT_DETAIL', category: id, maxAds: 4 },
  ]);
  const searches = ['캔들', '머그컵', '에코백', '선물'].map((query) => ({
    placement: 'SEARCH',
    query,
    maxAds: 5,
  }));
  return [{ placement: 'HOME', maxAds: 5 }, ...perCategory, ...searches];
}
