import { businessDateOf } from '../domain/business-date.js';
import { sumKrw, toKrw } from '../domain/money.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import {
  clientReferenceIdOf,
  correctionOf,
  isAtItsEnd,
  type TaxDocumentState,
  taxInvoiceIdOf,
  toAmounts,
} from '../domain/tax-invoice.js';
import { isMonth, type Month } from '../domain/tax-month.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { insertTaxDocument } from './draft-tax-invoices.js';
import { readBusinessNow } from './settlement-month.js';
import { readMonthSpend } from './tax-month-spend.js';

export interface RepairRequest {
  readonly taxInvoiceId: string;
  readonly actorId: string;
  readonly actorRole: string;
}
/** The document to be taken further by its workflow. */
export interface RepairedDocument {
  readonly taxInvoiceId: string;
  readonly advertiserId: string;
  readonly month: Month;
  readonly seq: number;
}

interface Row {
  readonly id: string;
  readonly advertiserId: string;
  readonly month: string;
  readonly seq: number;
  readonly state: TaxDocumentState;
  readonly attempt: number;
  readonly exceptionCode: string | null;
  readonly supplyAmountKrw: number;
  readonly taxAmountKrw: number;
}

const COLUMNS = `id, advertiser_id AS "advertiserId", left(month::text, 7) AS month, seq, state, attempt,
  exception_code AS "exceptionCode", supply_amount_krw AS "supplyAmountKrw", tax_amount_krw AS "taxAmountKrw"`;

/** All documents of an advertiser's month, locked in order: its repairs come one after the other. */
async function lockDocuments(client: Queryable, taxInvoiceId: string): Promise<Row[]> {
  const { rows } = await client.query<Row>(
    `SELECT ${COLUMNS} FROM tax_invoice t WHERE (advertiser_id, month) =
       (SELECT advertiser_id, month FROM tax_invoice WHERE id = $1) ORDER BY seq FOR UPDATE`,
    [taxInvoiceId],
  );
  return rows;
}

const NO_SUCH: Failure = { code: 'not_found', message: 'There is no such tax invoice.' };

const wrongStatus = (message: string, nextStep: string): Failure => ({
  code: 'wrong_status',
  message,
  nextStep,
});

function asRepaired({ id, advertiserId, month, seq }: Pick<Row, 'id' | 'advertiserId' | 'month' | 'seq'>) {
  if (!isMonth(month)) throw new Error(`not a month: ${month}`);
  return { taxInvoiceId: id, advertiserId, month, seq };
}

/**
 * A document that waits for a person goes its way again from the draft; for the provider it is a new one, since the
 * old one may be known there as rejected. One that is on its way and held by nobody stays as it is and is only taken up
 * again: its workflow may never have been started, or have given up. Failures: `not_found`, `wrong_status`.
 */
export async function retryTaxInvoice(
  pool: DatabasePool,
  request: RepairRequest,
): Promise<Result<RepairedDocument>> {
  return withTransaction(pool, async (client) => {
    const row = (await lockDocuments(client, request.taxInvoiceId)).find(
      (one) => one.id === request.taxInvoiceId,
    );
    if (!row) return err(NO_SUCH);
    const document = asRepaired(row);
    if (row.exceptionCode === null) {
      if (!isAtItsEnd(row.state)) return ok(document);
      return err(wrongStatus(`The tax invoice is ${row.state}.`, 'There is nothing left to retry.'));
    }
    const attempt = row.attempt + 1;
    await client.query(
      `UPDATE tax_invoice SET state = 'DRAFT', attempt = $2, client_reference_id = $3, issuance_key = NULL,
         exception_code = NULL, exception_message = NULL, updated_at = business_now() WHERE id = $1`,
      [row.id, attempt, clientReferenceIdOf(row.advertiserId, document.month, row.seq, attempt)],
    );
    await record(client, row.id, request, 'tax_invoice.retried', { attempt });
    return ok(document);
  });
}

async function record(
  client: Queryable,
  id: string,
  { actorId, actorRole }: RepairRequest,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (action === 'tax_invoice.retried') {
    await client.query(
      `INSERT INTO tax_invoice_event (tax_invoice_id, at, state, actor_id, detail) VALUES ($1, business_now(), 'DRAFT', $2, 'retry')`,
      [id, actorId],
    );
  }
  await auditInTransaction(client, {
    actorId,
    actorRole,
    via: 'console',
    action,
    objectType: 'tax_invoice',
    objectId: id,
    detail,
  });
}

/**
 * Draws up the correction of an accepted invoice after charges of its month were taken back: one document over the
 * difference of the supply price, so that all documents say the split of what was really spent.
 * Failures: `not_found`, `wrong_status`, `correction_pending`, `nothing_to_correct`.
 */
export async function correctTaxInvoice(
  pool: DatabasePool,
  request: RepairRequest & { readonly reason: string },
): Promise<Result<RepairedDocument>> {
  return withTransaction(pool, async (client) => {
    const documents = (await lockDocuments(client, request.taxInvoiceId)).filter(
      (one) => one.state !== 'CANCELLED',
    );
    const original = documents.find((one) => one.id === request.taxInvoiceId);
    if (!original) return err(NO_SUCH);
    const problem = problemOf(original, documents);
    if (problem !== null) return err(problem);
    return draftCorrection(client, request, asRepaired(original), documents);
  });
}

function problemOf(original: Row, documents: readonly Row[]): Failure | null {
  if (original.seq !== 0) return wrongStatus('This is a correction itself.', 'Correct the original invoice.');
  if (original.state !== 'NTS_ACCEPTED') {
    return wrongStatus(
      `The tax invoice is ${original.state}, and only an accepted one can be corrected.`,
      'Wait until the tax authority has accepted it.',
    );
  }
  const pending = documents.find((one) => one.state !== 'NTS_ACCEPTED');
  if (!pending) return null;
  return {
    code: 'correction_pending',
    message: `The correction ${pending.id} is still ${pending.state}.`,
    nextStep: 'Wait until it is accepted, or retry it.',
  };
}

async function draftCorrection(
  client: Queryable,
  request: RepairRequest & { readonly reason: string },
  original: RepairedDocument,
  documents: readonly Row[],
): Promise<Result<RepairedDocument>> {
  const { advertiserId, month } = original;
  const spend = await readMonthSpend(client, month, [advertiserId]);
  const chargedKrw = sumKrw(spend.map((row) => toKrw(row.chargedKrw)));
  const reversedKrw = sumKrw(spend.map((row) => toKrw(row.reversedKrw)));
  const correction = correctionOf(toKrw(chargedKrw - reversedKrw), documents.map(toAmounts));
  if (correction.totalKrw === 0) {
    return err({
      code: 'nothing_to_correct',
      message: 'The documents say what was spent: no charge of this month was taken back since.',
    });
  }
  const seq = Math.max(...documents.map((one) => one.seq)) + 1;
  const id = taxInvoiceIdOf(advertiserId, month, seq);
  await insertTaxDocument(client, {
    ...correction,
    advertiserId,
    month,
    seq,
    originalId: original.taxInvoiceId,
    basis: { chargedKrw, reversedKrw },
    // The day on which the price changed, not the day of the original.
    writeDate: businessDateOf(await readBusinessNow(client)),
    reason: request.reason,
    requestedBy: request.actorId,
    items: [{ ...correction, campaignId: null, name: `${month} 무효 클릭 환급` }],
  });
  await record(client, id, request, 'tax_invoice.corrected', { originalId: original.taxInvoiceId });
  return ok({ taxInvoiceId: id, advertiserId, month, seq });
}
