import { z } from 'zod';
import { CLICK_OUTCOMES, CLICK_REASONS } from '../../domain/click-outcome.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { instantSchema } from './console-identity.js';

export const ADVERTISER_STATUSES = ['applied', 'active', 'suspended', 'closed'] as const;

export const advertiserSchema = z.object({
  id: z.string(),
  name: z.string(),
  businessNumber: z.string(),
  status: z.enum(ADVERTISER_STATUSES),
  createdAt: instantSchema,
});

/** All amounts in whole won, VAT included. */
export const balanceSchema = z.object({
  advertiserId: z.string(),
  totalKrw: z.number().int(),
  cashKrw: z.number().int(),
  promoKrw: z.number().int(),
  promoLots: z
    .array(z.object({ remainingKrw: z.number().int(), expiresAt: instantSchema }))
    .describe('Promotional money by expiry, the next to go first.'),
});

export const ledgerEntrySchema = z.object({
  seq: z.number().int().describe('Running number within the advertiser.'),
  transactionId: z.number().int(),
  cause: z.string(),
  causeKey: z.string(),
  campaignId: z.string().nullable(),
  fund: z.enum(['cash', 'promo']),
  amountKrw: z.number().int().describe('Positive: money in; negative: money out.'),
  balanceAfterKrw: z.number().int(),
  bookedAt: instantSchema,
  bookedDate: z.string(),
  memo: z.string().nullable(),
});

/** One click on an ad of the advertiser, charged or not, and why. */
export const advertiserClickSchema = z.object({
  clickId: z.string(),
  campaignId: z.string(),
  adId: z.string(),
  productId: z.string(),
  placement: z.enum(PLACEMENTS),
  slot: z.number().int(),
  clickedAt: instantSchema,
  bookedAt: instantSchema,
  bookedDate: z.string(),
  outcome: z.enum(CLICK_OUTCOMES),
  reason: z.enum(CLICK_REASONS).nullable(),
  tokenPriceKrw: z.number().int().describe('The price that was promised when the ad was served.'),
  chargedKrw: z.number().int(),
  cashKrw: z.number().int(),
  promoKrw: z.number().int(),
  reversed: z.boolean(),
});

export const productSchema = z.object({
  id: z.string(),
  sellerId: z.string(),
  categoryId: z.string(),
  categoryName: z.string(),
  name: z.string(),
  priceKrw: z.number().int(),
});

export const categorySchema = z.object({ id: z.string(), name: z.string() });

/** One invariant of the books with the figures that it was checked on. */
export const reconciliationSchema = z.object({
  ok: z.boolean(),
  invariants: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      ok: z.boolean(),
      figures: z.record(z.string(), z.number()).describe('What was looked at; `wrong…` must be 0.'),
    }),
  ),
});
