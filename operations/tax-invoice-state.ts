import type { TaxDocumentState } from '../domain/tax-invoice.js';
import { isNews } from '../domain/tax-invoice.js';
import type { Queryable } from '../infra/postgres.js';
import { notify } from './notify.js';

export interface TaxInvoiceChange {
  /**
   * Our name at the provider of the attempt that this is about. News of an attempt that was given up says nothing about
   * the one that took its place: taken for it, a second tax invoice of the same month could go out.
   */
  readonly clientReferenceId: string;
  readonly state: TaxDocumentState;
  readonly actorId: string;
  readonly issuanceKey?: string | null;
  readonly ntsConfirmNumber?: string | null;
  /** The document waits for a person; finance is told. */
  readonly exception?: { readonly code: string; readonly message: string } | null;
}

interface DocumentRow {
  readonly id: string;
  readonly advertiser_id: string;
  readonly state: TaxDocumentState;
  readonly total_amount_krw: number;
  readonly month: string;
  readonly attempt: number;
  readonly client_reference_id: string;
  readonly issuance_key: string | null;
}

/**
 * Takes a document further, with its history and the notices of it, in the caller's transaction. News of a stage that
 * is behind it is left out: webhooks and readings overtake each other. Returns whether anything changed.
 */
export async function changeTaxInvoice(
  client: Queryable,
  id: string,
  change: TaxInvoiceChange,
): Promise<boolean> {
  const { rows } = await client.query<DocumentRow>(
    `SELECT id, advertiser_id, state, total_amount_krw, month::text, attempt, client_reference_id, issuance_key
     FROM tax_invoice WHERE id = $1 FOR UPDATE`,
    [id],
  );
  const document = rows[0];
  if (!document || document.client_reference_id !== change.clientReferenceId) return false;
  const held = change.exception ?? null;
  if (held === null && !isNews(document.state, change.state)) return false;
  if (held !== null && !mayBeHeld(document, change.state)) return false;
  await client.query(
    `UPDATE tax_invoice SET state = $2, issuance_key = coalesce($3, issuance_key),
       nts_confirm_number = coalesce($4, nts_confirm_number), exception_code = $5, exception_message = $6,
       updated_at = business_now() WHERE id = $1`,
    [
      id,
      change.state,
      change.issuanceKey ?? null,
      change.ntsConfirmNumber ?? null,
      held?.code ?? null,
      held?.message ?? null,
    ],
  );
  await client.query(
    `INSERT INTO tax_invoice_event (tax_invoice_id, at, state, actor_id, detail) VALUES ($1, business_now(), $2, $3, $4)`,
    [id, change.state, change.actorId, held === null ? null : `${held.code}: ${held.message}`],
  );
  await tell(client, document, change);
  return true;
}

/** Back to draft only before the provider has it; a rejection only as news. */
function mayBeHeld({ state: known, issuance_key: key }: DocumentRow, told: TaxDocumentState): boolean {
  if (told !== 'DRAFT') return isNews(known, told);
  return key === null && ['DRAFT', 'APPROVED', 'ISSUING'].includes(known);
}

async function tell(client: Queryable, document: DocumentRow, change: TaxInvoiceChange): Promise<void> {
  if (change.exception) {
    await notify(client, {
      dedupeKey: `tax-invoice-exception:${document.id}:${document.attempt}:${change.exception.code}`,
      template: 'tax_invoice_exception',
      to: { role: 'finance' },
      variables: { taxInvoiceId: document.id, reason: change.exception.message },
    });
  }
  if (change.state !== 'NTS_ACCEPTED') return;
  await notify(client, {
    dedupeKey: `tax-invoice-issued:${document.id}`,
    template: 'tax_invoice_issued',
    to: { advertiserId: document.advertiser_id },
    variables: {
      month: document.month.slice(0, 7),
      totalKrw: document.total_amount_krw.toLocaleString('ko-KR'),
      ntsConfirmNumber: change.ntsConfirmNumber ?? '',
    },
  });
}
