import { foldText } from '../../domain/placement.js';
import type { CatalogueProduct } from './catalogue.js';
import { SHOP_CATEGORIES } from './categories.js';
import { keywordsFor } from './keywords.js';

/** The catalogue as a shop looks things up in it. Lists are in order of popularity. */
export interface Shelves {
  readonly popular: readonly CatalogueProduct[];
  find(productId: string): CatalogueProduct | undefined;
  inCategory(categoryId: string): readonly CatalogueProduct[];
  search(query: string): readonly CatalogueProduct[];
}

/** Goods carry English names; these are the words that Korean shoppers type for them. */
const KOREAN_WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    파티용품: ['party', 'bunting', 'balloon'],
    파티: ['party'],
    크리스마스: ['christmas'],
    생일: ['birthday'],
    가랜드: ['garland', 'bunting'],
    에코백: ['shopper', 'tote', 'bag'],
    파우치: ['pouch', 'purse', 'washbag'],
    쇼핑백: ['shopper'],
    장바구니: ['jumbo bag', 'shopper'],
    가방: ['bag'],
    캔들: ['candle', 't-light'],
    홀더: ['holder'],
    무드등: ['night light', 'lantern'],
    조명: ['light', 'lamp', 'lantern'],
    머그컵: ['mug'],
    컵: ['cup', 'mug'],
    주방용품: ['kitchen', 'cutlery', 'jug'],
    베이킹: ['baking', 'cake'],
    도시락: ['lunch'],
    카드: ['card'],
    노트: ['notebook', 'journal'],
    포장지: ['wrap'],
    문구: ['pencil', 'pen', 'stickers'],
    장난감: ['toy', 'game'],
    보드게임: ['game', 'ludo', 'dominoes'],
    인형: ['doll', 'dolly'],
    선물: ['gift', 'set', 'box'],
    화분: ['plant', 'pot'],
    가드닝: ['garden', 'watering'],
    피크닉: ['picnic'],
    정원: ['garden'],
    소품: ['decoration', 'hanging'],
    액자: ['frame'],
    홈데코: ['decoration', 'heart', 'sign'],
    인테리어: ['decoration', 'wall', 'sign'],
    집들이: ['home', 'sign'],
    시계: ['clock'],
    우산: ['umbrella'],
  }),
);

/** Search words that shoppers of this shop type: what sellers of each category would pay for. */
export const SEARCH_WORDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  SHOP_CATEGORIES.map(({ id }) => [id, keywordsFor(id, [], 4)]),
);

export function arrangeShelves(products: readonly CatalogueProduct[]): Shelves {
  const byId = new Map(products.map((product) => [product.productId, product]));
  const byCategory = new Map(
    SHOP_CATEGORIES.map(({ id }) => [id, products.filter((product) => product.categoryId === id)]),
  );
  const names = products.map((product) => ({ product, name: ` ${product.name.toLowerCase()} ` }));
  return {
    popular: products,
    find: (productId) => byId.get(productId),
    inCategory: (categoryId) => byCategory.get(categoryId) ?? [],
    search: (query) => {
      const words = foldText(query).split(' ').filter(Boolean);
      if (words.length === 0) return [];
      const spellings = words.map((word) => KOREAN_WORDS.get(word) ?? [word]);
      return names
        .filter(({ name }) => spellings.every((same) => same.some((word) => name.includes(word))))
        .map(({ product }) => product);
    },
  };
}
