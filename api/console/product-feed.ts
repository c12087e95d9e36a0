import { productFeedResultSchema, productFeedSchema } from '../../contracts/http/product-feed.js';
import { importProductFeed } from '../../operations/import-product-feed.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

/** The shop tells which goods there are: the only way for a product to become something to advertise. */
export function productFeedRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'put',
      path: '/v1/product-feed',
      summary: 'The shop sends (a part of) its catalogue.',
      description:
        'New products are added, known ones updated, none removed. A row that cannot be taken is named with its reason; the others are taken all the same.',
      tags: ['Products'],
      access: { scope: 'products:write' },
      body: productFeedSchema,
      responses: { 200: { description: 'What was taken.', schema: productFeedResultSchema } },
      handler: async ({ body }) => {
        const { imported, rejected } = await importProductFeed(deps.pool, body);
        return { status: 200, body: { imported, rejected: [...rejected] } };
      },
    }),
  ];
}
