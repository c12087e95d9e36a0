import { z } from 'zod';
import { categorySchema, productSchema } from '../../contracts/http/console-advertisers.js';
import { ROLES } from '../../domain/access.js';
import { listProducts } from '../../operations/list-products.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { ownAdvertiserId } from './advertisers.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Products'];
const filterId = z.string().min(1).max(64).optional();

export function productRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/products',
      summary: 'Products that can be advertised; for advertisers, their own.',
      tags,
      access: { roles: [...ROLES] },
      query: pageQuerySchema.extend({
        sellerId: filterId.describe('For admin and finance; an advertiser sees only its own products.'),
        categoryId: filterId,
        search: z.string().trim().min(1).max(100).optional().describe('Part of the name.'),
      }),
      responses: { 200: { description: 'Products by id.', schema: pageSchema(productSchema) } },
      handler: async ({ query, actor }) => {
        const seller = ownAdvertiserId(actor, query.sellerId);
        if (!seller.ok) return seller;
        const cursor = decodeCursor(query.cursor, z.tuple([z.string()]));
        if (!cursor.ok) return cursor;
        const afterId = cursor.value?.[0] ?? null;
        const rows = await listProducts(deps.prisma, { ...query, sellerId: seller.value, afterId });
        const toItem = (row: (typeof rows)[number]) => ({
          ...row,
          categoryName: row.category.name,
          priceKrw: Number(row.priceKrw),
        });
        return { status: 200, body: toPage(rows, query.limit, toItem, (row) => [row.id]) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/categories',
      summary: 'The shop’s categories.',
      tags,
      access: { roles: [...ROLES] },
      responses: { 200: { description: 'By id.', schema: z.object({ items: z.array(categorySchema) }) } },
      handler: async () => {
        const items = await deps.prisma.category.findMany({ orderBy: { id: 'asc' } });
        return { status: 200, body: { items } };
      },
    }),
  ];
}
