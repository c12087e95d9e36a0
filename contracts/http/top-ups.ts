import { z } from 'zod';
import { isBusinessDate } from '../../domain/business-date.js';
import {
  DEFAULT_DEPOSIT_BANK,
  DEPOSIT_BANK_CODES,
  ORDERED_METHODS,
  TOP_UP_MAX_KRW,
  TOP_UP_METHODS,
  TOP_UP_MIN_KRW,
  TOP_UP_STATUSES,
  TOP_UP_STEP_KRW,
} from '../../domain/top-up.js';
import { instantSchema } from './console-identity.js';

const id = z.string().min(1).max(64);
const won = z.number().int();

/** `POST /v1/advertisers/{id}/top-ups` */
export const topUpRequestSchema = z.object({
  amountKrw: z
    .number()
    .describe(`${TOP_UP_MIN_KRW} to ${TOP_UP_MAX_KRW} won in steps of ${TOP_UP_STEP_KRW}.`),
  method: z.enum(ORDERED_METHODS),
  bankCode: z
    .enum(DEPOSIT_BANK_CODES)
    .default(DEFAULT_DEPOSIT_BANK)
    .describe('Bank of the virtual account; of no meaning for a card.'),
});

export const topUpSchema = z.object({
  id: z.string(),
  advertiserId: z.string(),
  method: z.enum(TOP_UP_METHODS),
  amountKrw: won,
  status: z.enum(TOP_UP_STATUSES),
  checkout: z
    .object({
      orderId: z.string(),
      orderName: z.string(),
      amountKrw: won,
      expiresAt: instantSchema,
    })
    .nullable()
    .describe('What the checkout window of the payment provider needs; while a card payment is waited for.'),
  virtualAccount: z
    .object({
      bankCode: z.string(),
      bankName: z.string(),
      accountNumber: z.string(),
      accountHolder: z.string(),
      dueAt: instantSchema.describe('Real time; a later deposit is refused by the bank.'),
    })
    .nullable()
    .describe('Where to pay; null until the bank has issued it, and for cards.'),
  card: z.object({ issuer: z.string(), maskedNumber: z.string() }).nullable(),
  failure: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('Why the last try brought no money.'),
  createdAt: instantSchema,
  creditedAt: instantSchema.nullable(),
  reversedAt: instantSchema.nullable(),
});

/** `POST /v1/top-ups/{id}/confirmation` */
export const topUpConfirmationSchema = z.object({
  paymentKey: z.string().min(1).max(200).describe('From the checkout window of the payment provider.'),
});

export const topUpParamsSchema = z.object({ id });
export const topUpFilterShape = { status: z.enum(TOP_UP_STATUSES).optional() };

/** `PUT /v1/advertisers/{id}/auto-top-up`; which values are good is said by the rules of the domain. */
export const autoTopUpSettingsSchema = z.object({
  enabled: z.boolean(),
  thresholdKrw: z.number().describe('Charged when the balance is at or below this.'),
  amountKrw: z.number().describe('Of one top-up.'),
  monthlyCapKrw: z.number().describe('Most in one Korean calendar month.'),
  cooldownMinutes: z.number().describe('Between two attempts.'),
});

export const autoTopUpSchema = autoTopUpSettingsSchema.extend({
  advertiserId: z.string(),
  consecutiveFailures: z.number().int(),
  disabledReason: z
    .enum(['declined_too_often', 'no_billing_method'])
    .nullable()
    .describe('Why it is off although nobody switched it off.'),
  lastAttemptAt: instantSchema.nullable(),
  updatedAt: instantSchema,
});

/** `POST /v1/advertisers/{id}/billing-methods` */
export const billingMethodRequestSchema = z.object({
  authKey: z.string().min(1).max(300).describe('From the card window of the payment provider; counts once.'),
});
export const billingMethodSchema = z.object({
  id: z.string(),
  cardIssuer: z.string(),
  maskedCard: z.string(),
  createdAt: instantSchema,
});
export const billingMethodsSchema = z.object({
  customerKey: z
    .string()
    .describe('The name of this advertiser for the card window of the payment provider.'),
  items: z.array(billingMethodSchema).describe('The first one is charged.'),
});
export const billingMethodParamsSchema = z.object({ id, billingMethodId: id });

/** `POST /v1/webhooks/payments` */
export const webhookAnswerSchema = z.object({ outcome: z.enum(['signalled', 'repeated', 'ignored']) });

/** `GET /v1/payment-reconciliation` */
export const paymentReconciliationQuerySchema = z.object({
  date: z.string().refine(isBusinessDate, 'a day, YYYY-MM-DD').describe('Korean calendar day.'),
});
export const paymentReconciliationSchema = z.object({
  ok: z.boolean(),
  date: z.string(),
  orders: won.describe('Orders whose money moved on this day, at the provider or here.'),
  providerKrw: won,
  ledgerKrw: won,
  differences: z
    .array(
      z.object({
        topUpId: z.string(),
        advertiserId: z.string().nullable().describe('Null: the provider has an order that is not ours.'),
        providerKrw: won,
        ledgerKrw: won,
      }),
    )
    .describe('At most 200.'),
});
