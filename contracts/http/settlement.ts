import { z } from 'zod';
import { isMonth } from '../../domain/tax-month.js';
import { businessDateSchema } from './business-clock.js';
import { instantSchema } from './console-identity.js';

export const monthSchema = z.string().refine(isMonth, 'a month, YYYY-MM');
const won = z.number().int();
const count = z.number().int();

/** `POST /v1/settlements/daily`: one day, settled before or not; without a day all that are open. */
export const startSettlementSchema = z.object({ date: businessDateSchema.optional() });
export const startMonthSchema = z.object({
  month: monthSchema,
  late: z.boolean().optional().describe('Issue although the last day for tax invoices has passed.'),
});
export const startedSchema = z.object({ workflowId: z.string() });

export const settlementRunSchema = z.object({
  runId: z.string(),
  date: z.string(),
  runNo: count,
  status: z.enum(['running', 'completed', 'failed']),
  requestedBy: z.string(),
  startedAt: instantSchema,
  finishedAt: instantSchema.nullable(),
  linesHash: z.string().nullable().describe('SHA-256 of the canonical lines.'),
  lineCount: count.nullable(),
  chargedKrw: won.nullable(),
  reversedKrw: won.nullable(),
  differences: z
    .array(z.object({ kind: z.string(), advertiserId: z.string().nullable(), detail: z.string() }))
    .nullable()
    .describe('Why a run was not published.'),
});

export const settlementLineSchema = z.object({
  advertiserId: z.string(),
  campaignId: z.string(),
  chargedClicks: count,
  chargedCashKrw: won,
  chargedPromoKrw: won,
  reversedClicks: count,
  reversedCashKrw: won,
  reversedPromoKrw: won,
  overDeliveryClicks: count.describe(
    'Valid clicks that nobody could pay: the platform’s own cost, no money moved.',
  ),
  overDeliveryKrw: won,
});

/** A day of an advertiser’s wallet; movements are signed, opening + movements = closing, fund by fund. */
export const statementSchema = z.object({
  date: z.string(),
  openingCashKrw: won,
  openingPromoKrw: won,
  topUpKrw: won,
  spendCashKrw: won,
  spendPromoKrw: won,
  reversedCashKrw: won,
  reversedPromoKrw: won,
  refundKrw: won,
  promoGrantedKrw: won,
  promoExpiredKrw: won,
  adjustmentCashKrw: won,
  adjustmentPromoKrw: won,
  closingCashKrw: won,
  closingPromoKrw: won,
});

export const monthChecklistSchema = z.object({
  month: z.string(),
  status: z.enum(['not_started', 'running', 'completed', 'failed']),
  monthIsOver: z.boolean(),
  openDays: z.array(z.string()),
  runsAt: instantSchema.describe('When the schedule takes the month up.'),
  alarmFrom: z.string(),
  lastDate: z.string().describe('Last day for tax invoices.'),
  invoicedAt: instantSchema.nullable(),
  documents: z.record(z.string(), count).describe('Tax documents by state.'),
  exceptions: count,
  invoicedKrw: won.describe('Sum of all documents of the month.'),
  cashSpendKrw: won.describe('Cash charges of the month less what was taken back of them until now.'),
});
