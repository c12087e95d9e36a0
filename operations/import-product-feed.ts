import { type DatabasePool, insertRows, withTransaction } from '../infra/postgres.js';

export interface FeedCategory {
  readonly id: string;
  readonly name: string;
}
export interface FeedProduct {
  readonly productId: string;
  readonly sellerId: string;
  readonly categoryId: string;
  readonly name: string;
  readonly priceKrw: number;
  readonly popularity: number;
}

/**
 * Takes the shop's product feed over: new products are added, known ones updated, none removed (an ad may stand
 * on them). Sellers must be registered. Returns how many products the feed held.
 */
export async function importProductFeed(
  pool: DatabasePool,
  feed: { readonly categories: readonly FeedCategory[]; readonly products: readonly FeedProduct[] },
): Promise<number> {
  await withTransaction(pool, async (client) => {
    await insertRows(
      client,
      'category',
      [
        ['id', 'text'],
        ['name', 'text'],
      ],
      feed.categories.map((category) => [category.id, category.name]),
      'ON CONFLICT (id) DO UPDATE SET name = excluded.name',
    );
    await insertRows(
      client,
      'product',
      [
        ['id', 'text'],
        ['seller_id', 'text'],
        ['category_id', 'text'],
        ['name', 'text'],
        ['price_krw', 'bigint'],
        ['popularity', 'integer'],
      ],
      feed.products.map((product) => [
        product.productId,
        product.sellerId,
        product.categoryId,
        product.name,
        product.priceKrw,
        product.popularity,
      ]),
      `ON CONFLICT (id) DO UPDATE SET seller_id = excluded.seller_id, category_id = excluded.category_id,
         name = excluded.name, price_krw = excluded.price_krw, popularity = excluded.popularity`,
    );
  });
  return feed.products.length;
}
