import { describe, expect, it } from 'vitest';
import type { CatalogueProduct } from './catalogue.js';
import { SHOP_CATEGORIES } from './categories.js';
import { arrangeShelves, SEARCH_WORDS } from './shelves.js';

const product = (productId: string, name: string, categoryId = 'kitchen'): CatalogueProduct => ({
  productId,
  name,
  categoryId,
  sellerId: 'adv_kitchen1',
  priceKrw: 1_000,
  popularity: 1,
});

describe('shelves', () => {
  const shelves = arrangeShelves([
    product('prd_1', 'Red Spotty Mug'),
    product('prd_2', 'Blue Spotty Cup'),
    product('prd_3', 'Scented Candle', 'lighting'),
  ]);

  it('find goods by every word of the query, in English and in Korean, whatever its case and spacing', () => {
    const found = (query: string) => shelves.search(query).map(({ productId }) => productId);
    expect(found('  SPOTTY   mug ')).toEqual(['prd_1']);
    expect(found('spotty')).toEqual(['prd_1', 'prd_2']);
    expect(found('머그컵')).toEqual(['prd_1']);
    expect(found('캔들')).toEqual(['prd_3']);
    expect(found('spotty candle')).toEqual([]);
    expect(found('   ')).toEqual([]);
  });

  it('know each product and each category, and nothing else', () => {
    expect(shelves.find('prd_2')?.name).toBe('Blue Spotty Cup');
    expect(shelves.find('__proto__')).toBeUndefined();
    expect(shelves.inCategory('lighting')).toHaveLength(1);
    expect(shelves.inCategory('constructor')).toEqual([]);
  });

  it('have search words for every category', () => {
    expect(SHOP_CATEGORIES.every(({ id }) => (SEARCH_WORDS[id]?.length ?? 0) === 4)).toBe(true);
  });
});
