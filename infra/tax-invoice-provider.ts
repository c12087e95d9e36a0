import { z } from 'zod';
import {
  bulkResultSchema,
  issuanceSchema,
  type TaxInvoiceAmendment,
  type TaxInvoiceDocument,
  type TaxInvoiceState,
  type TaxInvoiceStatusAnswer,
  taxInvoiceStatusSchema,
} from '../contracts/providers/tax-invoices.js';
import type { BusinessDate } from '../domain/business-date.js';
import { ok, type Result } from '../domain/result.js';
import type { Config } from './config.js';
import { basicAuthorization, callProvider, ownCode } from './provider-http.js';

export type { TaxInvoiceState };

export interface TaxInvoiceParty {
  /** Ten digits, without hyphens. */
  readonly businessNumber: string;
  readonly name: string;
  readonly representative: string;
  readonly address: string;
  readonly businessType: string;
  readonly businessItem: string;
  readonly email: string;
}

export interface TaxInvoiceItem {
  readonly date: BusinessDate;
  readonly name: string;
  readonly supplyAmountKrw: number;
  readonly taxAmountKrw: number;
}

export interface TaxInvoiceIssueRequest {
  /** Our name of the document: a repeat gives the first answer. */
  readonly clientReferenceId: string;
  readonly writeDate: BusinessDate;
  readonly purpose: 'RECEIPT' | 'CLAIM';
  readonly supplier: TaxInvoiceParty;
  readonly supplied: TaxInvoiceParty;
  readonly items: readonly TaxInvoiceItem[];
  readonly description: string;
}

export interface TaxInvoiceAmendRequest {
  readonly clientReferenceId: string;
  readonly originalNtsConfirmNumber: string;
  /** A change of price carries the difference; a termination the negative of the whole document. */
  readonly kind: 'SUPPLY_PRICE_CHANGE' | 'CONTRACT_TERMINATION';
  readonly writeDate: BusinessDate;
  readonly items: readonly TaxInvoiceItem[];
  readonly description: string;
}

export interface BulkIssueResult {
  readonly clientReferenceId: string;
  readonly issuanceKey: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * Issuing is asynchronous: an answer means taken in, `readStatus` (or the webhook that asks for it) tells the rest.
 * Refusals are Results with the provider's code in lower case; outages throw `ProviderUnavailable`.
 */
export interface TaxInvoiceProvider {
  issue(i: TaxInvoiceIssueRequest): Promise<Result<{ issuanceKey: string }>>;
  /** At most 100 documents, each answered on its own, in the order given. */
  issueBulk(i: {
    submissionId: string;
    invoices: readonly TaxInvoiceIssueRequest[];
  }): Promise<Result<{ results: readonly BulkIssueResult[] }>>;
  amend(i: TaxInvoiceAmendRequest): Promise<Result<{ issuanceKey: string }>>;
  readStatus(clientReferenceId: string): Promise<Result<TaxInvoiceStatusAnswer>>;
  /** Before it was sent to the tax authority only; afterwards a correction document is the way. */
  cancel(clientReferenceId: string): Promise<Result<void>>;
}

type TaxInvoiceConfig = Pick<Config, 'TAX_INVOICE_PROVIDER_URL' | 'TAX_INVOICE_API_KEY'>;

/** Our account with the provider: it may hold several suppliers. */
const CUSTOMER_KEY = 'ads-platform';

export function createTaxInvoiceProvider(config: TaxInvoiceConfig): TaxInvoiceProvider {
  return {
    issue: (request) =>
      post(config, '/issue', documentOf(request), issuanceSchema, request.clientReferenceId),
    issueBulk: async ({ submissionId, invoices }) => {
      const body = {
        submissionId,
        invoices: invoices.map((request) => ({
          clientReferenceId: request.clientReferenceId,
          invoice: documentOf(request),
        })),
      };
      const answer = await post(config, '/bulk', body, bulkResultSchema);
      if (!answer.ok) return answer;
      const results = answer.value.results.map((result) => ({
        ...result,
        error: result.error && { ...result.error, code: ownCode(result.error.code) },
      }));
      return ok({ results });
    },
    amend: (request) =>
      post(config, '/amend', amendmentOf(request), issuanceSchema, request.clientReferenceId),
    readStatus: (clientReferenceId) => {
      const query = new URLSearchParams({ clientReferenceId });
      return call(config, 'GET', `/issue/status?${query}`, taxInvoiceStatusSchema);
    },
    cancel: async (clientReferenceId) => {
      const answer = await post(config, '/cancel', { clientReferenceId }, z.object({}));
      return answer.ok ? ok(undefined) : answer;
    },
  };
}

const post = <T>(
  config: TaxInvoiceConfig,
  path: string,
  body: unknown,
  answer: z.ZodType<T>,
  clientReferenceId?: string,
) => call(config, 'POST', path, answer, { body, ...(clientReferenceId ? { clientReferenceId } : {}) });

function call<T>(
  config: TaxInvoiceConfig,
  method: 'GET' | 'POST',
  path: string,
  answer: z.ZodType<T>,
  input: { body?: unknown; clientReferenceId?: string } = {},
): Promise<Result<T>> {
  return callProvider({
    provider: 'tax-invoices',
    method,
    url: `${config.TAX_INVOICE_PROVIDER_URL}/v1/taxInvoices${path}`,
    headers: {
      authorization: basicAuthorization(config.TAX_INVOICE_API_KEY),
      'customer-key': CUSTOMER_KEY,
      ...(input.clientReferenceId === undefined ? {} : { 'client-reference-id': input.clientReferenceId }),
    },
    answer,
    ...(input.body === undefined ? {} : { body: input.body }),
  });
}

function documentOf(request: TaxInvoiceIssueRequest): TaxInvoiceDocument {
  return {
    date: request.writeDate,
    purpose: request.purpose,
    supplier: partyOf(request.supplier),
    supplied: partyOf(request.supplied),
    ...amountsOf(request.items),
    description: request.description,
  };
}

function amendmentOf(request: TaxInvoiceAmendRequest): TaxInvoiceAmendment {
  return {
    originalNtsConfirmNumber: request.originalNtsConfirmNumber,
    kind: request.kind,
    date: request.writeDate,
    ...amountsOf(request.items),
    description: request.description,
  };
}

function amountsOf(items: readonly TaxInvoiceItem[]) {
  const supplyCostTotal = items.reduce((sum, item) => sum + item.supplyAmountKrw, 0);
  const taxTotal = items.reduce((sum, item) => sum + item.taxAmountKrw, 0);
  return {
    items: items.map(({ date, name, supplyAmountKrw, taxAmountKrw }) => ({
      date,
      name,
      supplyCost: supplyAmountKrw,
      tax: taxAmountKrw,
    })),
    supplyCostTotal,
    taxTotal,
    totalAmount: supplyCostTotal + taxTotal,
  };
}

const partyOf = (party: TaxInvoiceParty) => ({
  identificationNumber: party.businessNumber.replaceAll('-', ''),
  organizationName: party.name,
  representativeName: party.representative,
  address: party.address,
  businessType: party.businessType,
  businessItem: party.businessItem,
  email: party.email,
});
