import {
  type DatabaseClient,
  type DatabasePool,
  insertRows,
  withRetriedTransaction,
} from '../infra/postgres.js';

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
export interface ProductFeed {
  readonly categories: readonly FeedCategory[];
  readonly products: readonly FeedProduct[];
}

export type FeedRejection =
  | 'unknown_seller'
  | 'unknown_category'
  | 'repeated_in_feed'
  | 'advertised_by_another';

export interface FeedImport {
  readonly imported: number;
  readonly rejected: readonly { readonly productId: string; readonly reason: FeedRejection }[];
}

/**
 * Takes a part of the shop's product feed over: new products are added, known ones updated, none removed (an ad may
 * stand on them). One bad row never holds the others up: it is rejected with its reason. A product keeps its seller
 * while a campaign advertises it, because the seller is who pays. Rows are written by id, and a part that met another
 * one all the same is written again.
 */
export async function importProductFeed(pool: DatabasePool, feed: ProductFeed): Promise<FeedImport> {
  return withRetriedTransaction(pool, async (client) => {
    await insertRows(
      client,
      'category',
      [
        ['id', 'text'],
        ['name', 'text'],
      ],
      categoryRows(feed.categories),
      'ON CONFLICT (id) DO UPDATE SET name = excluded.name',
    );
    const { accepted, rejected } = await sift(client, feed.products);
    await upsertProducts(client, accepted);
    return { imported: accepted.length, rejected };
  });
}

/** A category that is named twice has the name that comes last: one statement may not write a row twice. */
const categoryRows = (categories: readonly FeedCategory[]): string[][] =>
  byId([...new Map(categories.map(({ id, name }) => [id, [id, name]])).values()], ([id = '']) => id);

const byId = <T>(rows: readonly T[], idOf: (row: T) => string): T[] =>
  [...rows].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

async function sift(
  client: DatabaseClient,
  products: readonly FeedProduct[],
): Promise<{ accepted: FeedProduct[]; rejected: { productId: string; reason: FeedRejection }[] }> {
  const sellers = await knownIds(
    client,
    'advertiser',
    products.map((product) => product.sellerId),
  );
  const categories = await knownIds(
    client,
    'category',
    products.map((product) => product.categoryId),
  );
  const advertised = await advertisedSellers(
    client,
    products.map((product) => product.productId),
  );
  const seen = new Set<string>();
  const rejectionOf = ({ productId, sellerId, categoryId }: FeedProduct): FeedRejection | null => {
    if (seen.has(productId)) return 'repeated_in_feed';
    if (!sellers.has(sellerId)) return 'unknown_seller';
    if (!categories.has(categoryId)) return 'unknown_category';
    return (advertised.get(productId) ?? sellerId) === sellerId ? null : 'advertised_by_another';
  };
  const accepted: FeedProduct[] = [];
  const rejected: { productId: string; reason: FeedRejection }[] = [];
  for (const product of products) {
    const reason = rejectionOf(product);
    seen.add(product.productId);
    if (reason === null) accepted.push(product);
    else rejected.push({ productId: product.productId, reason });
  }
  return { accepted, rejected };
}

async function knownIds(
  client: DatabaseClient,
  table: 'advertiser' | 'category',
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ id: string }>(`SELECT id FROM ${table} WHERE id = ANY($1)`, [
    [...new Set(ids)],
  ]);
  return new Set(rows.map((row) => row.id));
}

async function advertisedSellers(
  client: DatabaseClient,
  productIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ id: string; seller_id: string }>(
    `SELECT p.id, p.seller_id FROM product p WHERE p.id = ANY($1)
       AND EXISTS (SELECT FROM ad a JOIN campaign c ON c.id = a.campaign_id
         WHERE a.product_id = p.id AND c.status <> 'ended')`,
    [productIds],
  );
  return new Map(rows.map((row) => [row.id, row.seller_id]));
}

async function upsertProducts(client: DatabaseClient, products: readonly FeedProduct[]): Promise<void> {
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
    byId(products, ({ productId }) => productId).map((product) => [
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
}
