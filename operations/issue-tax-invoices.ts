import { createHash } from 'node:crypto';
import type { TaxInvoiceSelection } from '../contracts/temporal/settlement.js';
import type { BusinessDate } from '../domain/business-date.js';
import type { TaxParty } from '../domain/tax-invoice.js';
import { firstDayOf } from '../domain/tax-month.js';
import type { BusinessRegistry } from '../infra/business-registry.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import type {
  BulkIssueResult,
  TaxInvoiceIssueRequest,
  TaxInvoiceItem,
  TaxInvoiceProvider,
} from '../infra/tax-invoice-provider.js';
import { readTaxParties } from './read-tax-party.js';
import { changeTaxInvoice } from './tax-invoice-state.js';

export interface TaxInvoiceDeps {
  readonly pool: DatabasePool;
  readonly provider: TaxInvoiceProvider;
  readonly registry: BusinessRegistry;
  readonly supplier: TaxParty;
}

/** Both the registry and the provider take a hundred at a time. */
const PER_PAGE = 100;
const SYSTEM = 'system';

interface Document {
  readonly id: string;
  readonly advertiserId: string;
  readonly clientReferenceId: string;
  readonly writeDate: BusinessDate;
  readonly month: string;
  readonly originalNumber: string | null;
}

const DOCUMENTS = `
  SELECT t.id, t.advertiser_id AS "advertiserId", t.client_reference_id AS "clientReferenceId",
    t.write_date AS "writeDate", t.month::text AS month, o.nts_confirm_number AS "originalNumber"
  FROM tax_invoice t LEFT JOIN tax_invoice o ON o.id = t.original_id`;

/** A month's invoices, or one document; corrections are never part of a month's run. */
export const selected = (selection: TaxInvoiceSelection): [where: string, value: string] =>
  'month' in selection
    ? ['t.month = $1 AND t.seq = 0', firstDayOf(selection.month)]
    : ['t.id = $1', selection.taxInvoiceId];

async function readDocuments(
  db: Queryable,
  selection: TaxInvoiceSelection,
  waiting: string,
  lock: '' | 'FOR UPDATE OF t' = '',
): Promise<Document[]> {
  const [where, value] = selected(selection);
  const { rows } = await db.query<Document>(
    `${DOCUMENTS} WHERE ${where} AND ${waiting} ORDER BY t.id LIMIT ${PER_PAGE} ${lock}`,
    [value],
  );
  return rows;
}

const REGISTRY_SAYS = { suspended: '휴업', closed: '폐업', unregistered: '미등록' } as const;

/**
 * Asks the registry about the buyers of a page of drafts: those in business are approved, the others are held for a
 * person. `more`: there may be another page.
 */
export async function approveTaxInvoices(
  { pool, registry }: TaxInvoiceDeps,
  selection: TaxInvoiceSelection,
): Promise<{ more: boolean }> {
  const drafts = await readDocuments(pool, selection, "t.state = 'DRAFT' AND t.exception_code IS NULL");
  if (drafts.length === 0) return { more: false };
  const parties = await readTaxParties(
    pool,
    drafts.map((draft) => draft.advertiserId),
  );
  const numbers = [...new Set([...parties.values()].map((party) => party.businessNumber))];
  const answer = numbers.length === 0 ? null : await registry.readStatus(numbers);
  if (answer?.ok === false)
    throw new Error(`business registry: ${answer.error.code}: ${answer.error.message}`);
  const states = new Map((answer?.value ?? []).map((status, index) => [numbers[index], status.state]));
  await withTransaction(pool, async (client) => {
    for (const draft of drafts) {
      const number = parties.get(draft.advertiserId)?.businessNumber;
      const state = number === undefined ? 'unregistered' : (states.get(number) ?? 'unregistered');
      const { clientReferenceId } = draft;
      await changeTaxInvoice(client, draft.id, { clientReferenceId, ...verdictOf(state) });
    }
  });
  return { more: drafts.length === PER_PAGE };
}

function verdictOf(state: 'active' | keyof typeof REGISTRY_SAYS) {
  if (state === 'active') return { state: 'APPROVED' as const, actorId: SYSTEM };
  const message = `The business registry says ${state} (${REGISTRY_SAYS[state]}) about the buyer.`;
  return { state: 'DRAFT' as const, actorId: SYSTEM, exception: { code: `buyer_${state}`, message } };
}

/**
 * Hands a page of approved documents to the provider. They are marked before, so that whatever happens in between the
 * same documents go out again under the same names, which the provider answers the same way. Throws when the provider
 * said nothing about one of them: asked again later.
 */
export async function issueTaxInvoices(
  deps: TaxInvoiceDeps,
  selection: TaxInvoiceSelection,
): Promise<{ more: boolean }> {
  const { pool } = deps;
  const documents = await withTransaction(pool, (client) => markIssuing(client, selection));
  if (documents.length === 0) return { more: false };
  const originals = documents.filter((document) => document.originalNumber === null);
  if (originals.length > 0) await issueOriginals(deps, originals);
  for (const document of documents) {
    if (document.originalNumber !== null) await amendOriginal(deps, document, document.originalNumber);
  }
  return { more: documents.length === PER_PAGE };
}

async function markIssuing(client: Queryable, selection: TaxInvoiceSelection): Promise<Document[]> {
  const waiting = "(t.state = 'APPROVED' OR (t.state = 'ISSUING' AND t.issuance_key IS NULL))";
  const documents = await readDocuments(client, selection, waiting, 'FOR UPDATE OF t');
  for (const { id, clientReferenceId } of documents) {
    await changeTaxInvoice(client, id, { clientReferenceId, state: 'ISSUING', actorId: SYSTEM });
  }
  return documents;
}

async function issueOriginals(deps: TaxInvoiceDeps, documents: readonly Document[]): Promise<void> {
  const { pool, provider } = deps;
  const invoices = await requestsOf(deps, documents);
  const names = invoices.map((invoice) => invoice.clientReferenceId);
  const submissionId = createHash('sha256').update(names.join()).digest('hex').slice(0, 32);
  const answer = await provider.issueBulk({ submissionId, invoices });
  const results = new Map((answer.ok ? answer.value.results : []).map((one) => [one.clientReferenceId, one]));
  await withTransaction(pool, async (client) => {
    for (const document of documents) {
      const result = results.get(document.clientReferenceId);
      const refusal = answer.ok ? (result?.error ?? null) : answer.error;
      await recordAnswer(client, document, result?.issuanceKey ?? null, refusal);
    }
  });
  const silent = answer.ok ? names.filter((name) => !isAnswered(results.get(name))) : [];
  if (silent.length > 0) throw new Error(`tax-invoices: no answer about ${silent.length} documents`);
}

const isAnswered = (result: BulkIssueResult | undefined) =>
  result !== undefined && (result.issuanceKey !== null || result.error !== null);

async function amendOriginal(
  deps: TaxInvoiceDeps,
  document: Document,
  originalNumber: string,
): Promise<void> {
  const [request] = await requestsOf(deps, [document]);
  if (!request) return;
  const answer = await deps.provider.amend({
    clientReferenceId: document.clientReferenceId,
    originalNtsConfirmNumber: originalNumber,
    kind: 'SUPPLY_PRICE_CHANGE',
    writeDate: document.writeDate,
    items: request.items,
    description: request.description,
  });
  await withTransaction(deps.pool, (client) =>
    recordAnswer(
      client,
      document,
      answer.ok ? answer.value.issuanceKey : null,
      answer.ok ? null : answer.error,
    ),
  );
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Refused: back to draft with the provider's reason, for a person. No answer: it stays as it is. */
async function recordAnswer(
  client: Queryable,
  { id, clientReferenceId }: Document,
  issuanceKey: string | null,
  refusal: Refusal | null,
): Promise<void> {
  if (refusal !== null) {
    const exception = { code: refusal.code, message: refusal.message };
    await changeTaxInvoice(client, id, { clientReferenceId, state: 'DRAFT', actorId: SYSTEM, exception });
    return;
  }
  await client.query(
    `UPDATE tax_invoice SET issuance_key = $2, updated_at = business_now()
     WHERE id = $1 AND client_reference_id = $3 AND state = 'ISSUING' AND issuance_key IS NULL`,
    [id, issuanceKey, clientReferenceId],
  );
}

async function requestsOf(
  { pool, supplier }: TaxInvoiceDeps,
  documents: readonly Document[],
): Promise<TaxInvoiceIssueRequest[]> {
  const parties = await readTaxParties(
    pool,
    documents.map((document) => document.advertiserId),
  );
  const items = await readItems(pool, documents);
  return documents.map((document) => {
    const supplied = parties.get(document.advertiserId);
    if (supplied === undefined) throw new Error(`advertiser ${document.advertiserId} is gone`);
    return {
      clientReferenceId: document.clientReferenceId,
      writeDate: document.writeDate,
      purpose: 'RECEIPT',
      supplier,
      supplied,
      items: items.get(document.id) ?? [],
      description: `${document.month.slice(0, 7)} 광고비 (선불 충전금 사용분)`,
    };
  });
}

const LONGEST_ITEM_NAME = 100;

async function readItems(
  db: Queryable,
  documents: readonly Document[],
): Promise<Map<string, TaxInvoiceItem[]>> {
  const { rows } = await db.query<TaxInvoiceItem & { id: string }>(
    `SELECT i.tax_invoice_id AS id, t.write_date AS date, left(i.name, ${LONGEST_ITEM_NAME}) AS name,
       i.supply_amount_krw AS "supplyAmountKrw", i.tax_amount_krw AS "taxAmountKrw"
     FROM tax_invoice_item i JOIN tax_invoice t ON t.id = i.tax_invoice_id
     WHERE i.tax_invoice_id = ANY($1) ORDER BY i.tax_invoice_id, i.line_no`,
    [documents.map((document) => document.id)],
  );
  const byDocument = new Map<string, TaxInvoiceItem[]>();
  for (const { id, ...item } of rows) byDocument.set(id, [...(byDocument.get(id) ?? []), item]);
  return byDocument;
}
