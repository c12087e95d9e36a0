import { z } from 'zod';

const id = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_.:-]+$/, 'letters, digits and _ . : - only');

/** `PUT /v1/product-feed`: a part of the shop's catalogue, in as many calls as it takes. */
export const productFeedSchema = z.object({
  categories: z
    .array(z.object({ id, name: z.string().trim().min(1).max(100) }))
    .max(500)
    .default([]),
  products: z
    .array(
      z.object({
        productId: id,
        sellerId: id.describe('The advertiser id of the seller.'),
        categoryId: id,
        name: z.string().trim().min(1).max(300),
        priceKrw: z.number().int().min(1).max(1_000_000_000),
        popularity: z.number().int().min(0).max(1_000_000_000).default(0),
      }),
    )
    .max(200)
    .describe('At most 200 rows a call.'),
});

export const productFeedResultSchema = z.object({
  imported: z.number().int(),
  rejected: z.array(
    z.object({
      productId: z.string(),
      reason: z.enum(['unknown_seller', 'unknown_category', 'repeated_in_feed', 'advertised_by_another']),
    }),
  ),
});
