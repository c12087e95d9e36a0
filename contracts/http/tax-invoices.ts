import { z } from 'zod';
import { TAX_DOCUMENT_STATES } from '../../domain/tax-invoice.js';
import { instantSchema } from './console-identity.js';

export const taxInvoiceSchema = z.object({
  taxInvoiceId: z.string(),
  advertiserId: z.string(),
  month: z.string(),
  seq: z.number().int().describe('0: the invoice of the month; from 1 on its corrections.'),
  kind: z.enum(['ORIGINAL', 'SUPPLY_PRICE_CHANGE']),
  originalId: z.string().nullable(),
  state: z.enum(TAX_DOCUMENT_STATES),
  supplyAmountKrw: z.number().int(),
  taxAmountKrw: z.number().int(),
  totalAmountKrw: z.number().int(),
  writeDate: z.string(),
  ntsConfirmNumber: z.string().nullable(),
  exception: z.object({ code: z.string(), message: z.string() }).nullable(),
  createdAt: instantSchema,
  updatedAt: instantSchema,
});

export const taxInvoiceDetailSchema = taxInvoiceSchema.extend({
  reason: z.string().nullable(),
  items: z.array(
    z.object({
      campaignId: z.string().nullable(),
      name: z.string(),
      supplyAmountKrw: z.number().int(),
      taxAmountKrw: z.number().int(),
    }),
  ),
  timeline: z.array(
    z.object({
      at: instantSchema,
      state: z.enum(TAX_DOCUMENT_STATES),
      actorId: z.string(),
      detail: z.string().nullable(),
    }),
  ),
});

/** `POST /v1/tax-invoices/{id}/corrections` */
export const correctionRequestSchema = z.object({
  reason: z.string().trim().min(2).max(200).describe('Stands in the history of the document.'),
});
export const repairedSchema = z.object({ taxInvoiceId: z.string(), workflowId: z.string() });
export const webhookTakenSchema = z.object({ result: z.enum(['taken', 'repeated', 'unknown', 'ignored']) });
