import { z } from 'zod';
import { isBusinessDate } from '../../domain/business-date.js';
import { isBusinessNumber } from '../../domain/business-number.js';

/**
 * Tax invoice provider, in the shape of Bolta. Authentication: Basic, key as user. `Client-Reference-Id` names a
 * document of ours and is the idempotency key: a repeat gives the first answer.
 */
export const TAX_INVOICE_STATES = [
  'ISSUING',
  'ISSUED',
  'NTS_PENDING',
  'NTS_ACCEPTED',
  'NTS_REJECTED',
  'CANCELLED',
] as const;
export type TaxInvoiceState = (typeof TAX_INVOICE_STATES)[number];

export const MAX_INVOICE_ITEMS = 99;
export const MAX_BULK_INVOICES = 100;

const won = z.number().int().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const text = (max: number) => z.string().trim().min(1).max(max);
const day = z.string().refine(isBusinessDate, 'a day as YYYY-MM-DD');
export const clientReferenceIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_:.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ : . -');

const partySchema = z.object({
  identificationNumber: z
    .string()
    .regex(/^\d{10}$/, '10 digits')
    .refine(isBusinessNumber, 'not a business registration number'),
  organizationName: text(200),
  representativeName: text(100),
  address: z.string().max(300),
  businessType: z.string().max(100),
  businessItem: z.string().max(100),
  email: z.email().max(254),
});

const itemSchema = z.object({
  date: day,
  name: text(100),
  supplyCost: won,
  tax: won,
});

/** The amounts of the document stand beside its items, and the provider compares them. */
const amounts = {
  items: z.array(itemSchema).min(1).max(MAX_INVOICE_ITEMS),
  supplyCostTotal: won,
  taxTotal: won,
  totalAmount: won,
  description: z.string().max(200),
};

/** `POST /v1/taxInvoices/issue` */
export const issueTaxInvoiceSchema = z.object({
  date: day,
  purpose: z.enum(['RECEIPT', 'CLAIM']),
  supplier: partySchema,
  supplied: partySchema,
  ...amounts,
});

/** `POST /v1/taxInvoices/bulk`: each document stands or falls on its own. */
export const bulkTaxInvoicesSchema = z.object({
  submissionId: z.string().regex(/^[A-Za-z0-9_:.-]{1,64}$/),
  invoices: z
    .array(z.object({ clientReferenceId: clientReferenceIdSchema, invoice: z.unknown() }))
    .min(1)
    .max(MAX_BULK_INVOICES),
});

/** `POST /v1/taxInvoices/amend`: a correction document; parties are those of the original. */
export const amendTaxInvoiceSchema = z.object({
  originalNtsConfirmNumber: z.string().regex(/^\d{24}$/, '24 digits'),
  kind: z.enum(['SUPPLY_PRICE_CHANGE', 'CONTRACT_TERMINATION']),
  date: day,
  ...amounts,
});

/** `POST /v1/taxInvoices/cancel` */
export const cancelTaxInvoiceSchema = z.object({ clientReferenceId: clientReferenceIdSchema });

const reasonSchema = z.object({ code: z.string(), message: z.string() });

export const issuanceSchema = z.object({ issuanceKey: z.string().min(1) });

export const bulkResultSchema = z.object({
  submissionId: z.string(),
  results: z.array(
    z.object({
      clientReferenceId: z.string(),
      issuanceKey: z.string().nullable(),
      error: reasonSchema.nullable(),
    }),
  ),
});

/** `GET /v1/taxInvoices/issue/status?clientReferenceId=` */
export const taxInvoiceStatusSchema = z.object({
  clientReferenceId: z.string(),
  issuanceKey: z.string(),
  state: z.enum(TAX_INVOICE_STATES),
  ntsConfirmNumber: z.string().nullable(),
  rejection: reasonSchema.nullable(),
});

/** What the provider tells us; read the document again by API, never trust the body. */
export const taxInvoiceWebhookSchema = z.object({
  eventType: z.literal('TAX_INVOICE_STATUS_CHANGED'),
  createdAt: z.iso.datetime({ offset: true }),
  data: taxInvoiceStatusSchema,
});

export type TaxInvoiceDocument = z.infer<typeof issueTaxInvoiceSchema>;
export type TaxInvoiceAmendment = z.infer<typeof amendTaxInvoiceSchema>;
export type TaxInvoiceStatusAnswer = z.infer<typeof taxInvoiceStatusSchema>;
