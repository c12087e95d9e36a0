import { z } from 'zod';
import { CLICK_OUTCOMES, CLICK_REASONS } from '../../domain/click-outcome.js';
import { PRICE_RULES } from '../../domain/click-receipt.js';
import { INVOICING_STATES } from '../../domain/click-receipt-texts.js';
import { LEDGER_ACCOUNTS } from '../../domain/ledger.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { TAX_DOCUMENT_STATES } from '../../domain/tax-invoice.js';
import { instantSchema } from './console-identity.js';

const won = z.number().int();
const count = z.number().int();
const explanation = z.object({ ko: z.string(), en: z.string() });

const bookingSchema = z.object({
  transactionId: count,
  bookedDate: z.string(),
  clicks: count.describe('Clicks that this booking is about: those of a campaign decided together are one.'),
  entries: z
    .array(
      z.object({
        lineNo: count,
        account: z.enum(LEDGER_ACCOUNTS),
        amountKrw: won.describe('Positive: credit. The entries of a booking sum to zero.'),
        balanceAfterKrw: won.nullable().describe('Of the wallet that the entry moved.'),
      }),
    )
    .describe('Of all clicks of the booking together.'),
});

const settlementSchema = z.object({
  businessDate: z.string(),
  state: z.enum(['not_settled_yet', 'settled']),
  runNo: count.nullable(),
  settledAt: instantSchema.nullable(),
  linesHash: z.string().nullable().describe('SHA-256 that was published with the day.'),
  line: z
    .object({
      chargedClicks: count,
      chargedCashKrw: won,
      chargedPromoKrw: won,
      reversedClicks: count,
      reversedCashKrw: won,
      reversedPromoKrw: won,
    })
    .nullable()
    .describe('The whole campaign on that day.'),
});

const priceSchema = z.object({
  priceKrw: won.describe('Promised in the signed token when the ad was served, VAT included.'),
  rule: z
    .enum(PRICE_RULES)
    .describe(
      'no_rival: nobody stood below. floor: the floor was enough. rival: the next ad made the price.',
    ),
  rankScore: count.describe('Of this ad: highest bid × predicted click-through rate in parts per million.'),
  runnerUpScore: count.nullable().describe('Of the next ad of another advertiser.'),
  bidFloorKrw: won,
  parametersVersion: count.describe('Of the ranking parameters.'),
  maxCpcKrw: won
    .nullable()
    .describe('The bid that the score was made of; null when it cannot be told for certain.'),
  predictedCtrPpm: count.nullable(),
  scoreAtPrice: count.nullable().describe('priceKrw × predictedCtrPpm.'),
  explanation,
});

const chargeSchema = z.object({
  outcome: z.enum(CLICK_OUTCOMES),
  reason: z.enum(CLICK_REASONS).nullable(),
  explanation,
  rulesVersion: count,
  chargedKrw: won,
  cashKrw: won,
  promoKrw: won,
  promoLots: z.array(z.object({ lotId: count, krw: won, expiresAt: instantSchema })),
  bookedAt: instantSchema,
  bookedDate: z.string().describe('The business day (Korea) that the decision stands on.'),
  booking: bookingSchema.nullable().describe('Null: no money moved.'),
});

const reversalSchema = z.object({
  reason: z.string(),
  cashKrw: won,
  promoKrw: won,
  bookedAt: instantSchema,
  booking: bookingSchema,
  settlement: settlementSchema,
});

const conversionSchema = z.object({
  orderLineId: z.string(),
  productId: z.string(),
  match: z.enum(['direct', 'indirect']),
  quantity: count,
  conversionValueKrw: won,
  convertedAt: instantSchema,
  reversedAt: instantSchema.nullable().describe('When the order line was cancelled.'),
  rulesVersion: count,
});

const taxInvoicePartSchema = z.object({
  month: z.string(),
  state: z.enum(INVOICING_STATES),
  explanation,
  plannedAt: instantSchema.describe('When the schedule takes the month up.'),
  documents: z.array(
    z.object({
      taxInvoiceId: z.string(),
      kind: z.enum(['ORIGINAL', 'SUPPLY_PRICE_CHANGE']),
      state: z.enum(TAX_DOCUMENT_STATES),
      totalAmountKrw: won,
      writeDate: z.string(),
      ntsConfirmNumber: z.string().nullable(),
    }),
  ),
});

/** `GET /v1/clicks/{clickId}/receipt`: from the promise to the tax document, one click. */
export const clickReceiptSchema = z.object({
  clickId: z.string(),
  advertiserId: z.string(),
  served: z.object({
    requestId: z.string(),
    servedAt: instantSchema.describe('When the token with the price was issued.'),
    placement: z.enum(PLACEMENTS),
    slot: count,
    adId: z.string(),
    productId: z.string(),
    productName: z.string().nullable(),
    campaignId: z.string(),
    campaignName: z.string().nullable(),
  }),
  clickedAt: instantSchema.describe('By the shop’s clock, within serving and our record.'),
  recordedAt: instantSchema,
  price: priceSchema,
  charge: chargeSchema,
  reversal: reversalSchema.nullable(),
  conversions: z.object({
    direct: count,
    indirect: count,
    conversionValueKrw: won.describe('Without the cancelled ones.'),
    cancelled: count,
    items: z.array(conversionSchema),
  }),
  settlement: settlementSchema,
  taxInvoice: taxInvoicePartSchema,
});
