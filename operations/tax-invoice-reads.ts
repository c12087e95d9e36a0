import type { TaxDocumentState } from '../domain/tax-invoice.js';
import { firstDayOf, type Month } from '../domain/tax-month.js';
import type { Queryable } from '../infra/postgres.js';

export interface TaxInvoiceRow {
  readonly taxInvoiceId: string;
  readonly advertiserId: string;
  readonly month: string;
  readonly seq: number;
  readonly kind: 'ORIGINAL' | 'SUPPLY_PRICE_CHANGE';
  readonly originalId: string | null;
  readonly state: TaxDocumentState;
  readonly supplyAmountKrw: number;
  readonly taxAmountKrw: number;
  readonly totalAmountKrw: number;
  readonly writeDate: string;
  readonly ntsConfirmNumber: string | null;
  readonly exceptionCode: string | null;
  readonly exceptionMessage: string | null;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const DOCUMENT = `SELECT id AS "taxInvoiceId", advertiser_id AS "advertiserId", left(month::text, 7) AS month, seq, kind,
  original_id AS "originalId", state, supply_amount_krw AS "supplyAmountKrw", tax_amount_krw AS "taxAmountKrw",
  total_amount_krw AS "totalAmountKrw", write_date AS "writeDate", nts_confirm_number AS "ntsConfirmNumber",
  exception_code AS "exceptionCode", exception_message AS "exceptionMessage", reason, created_at AS "createdAt",
  updated_at AS "updatedAt" FROM tax_invoice`;

export interface TaxInvoiceFilter {
  readonly advertiserId?: string | undefined;
  readonly state?: TaxDocumentState | undefined;
  readonly month?: Month | undefined;
  /** Only those that wait for a person. */
  readonly exception?: boolean | undefined;
  readonly before: readonly [string, string] | null;
  readonly limit: number;
}

/** The newest month first, then by id. */
export async function listTaxInvoices(db: Queryable, filter: TaxInvoiceFilter): Promise<TaxInvoiceRow[]> {
  const { rows } = await db.query<TaxInvoiceRow>(
    `${DOCUMENT} WHERE ($1::text IS NULL OR advertiser_id = $1) AND ($2::text IS NULL OR state = $2)
       AND ($3::date IS NULL OR month = $3) AND ($4::boolean IS NULL OR (exception_code IS NOT NULL) = $4)
       AND ($5::date IS NULL OR month < $5 OR (month = $5 AND id > $6))
     ORDER BY month DESC, id LIMIT $7`,
    [
      filter.advertiserId ?? null,
      filter.state ?? null,
      filter.month === undefined ? null : firstDayOf(filter.month),
      filter.exception ?? null,
      filter.before?.[0] ?? null,
      filter.before?.[1] ?? null,
      filter.limit + 1,
    ],
  );
  return rows;
}

export async function readTaxInvoice(db: Queryable, id: string): Promise<TaxInvoiceRow | null> {
  return (await db.query<TaxInvoiceRow>(`${DOCUMENT} WHERE id = $1`, [id])).rows[0] ?? null;
}

export interface TaxInvoiceItemRow {
  readonly campaignId: string | null;
  readonly name: string;
  readonly supplyAmountKrw: number;
  readonly taxAmountKrw: number;
}
export interface TaxInvoiceEventRow {
  readonly at: Date;
  readonly state: TaxDocumentState;
  readonly actorId: string;
  readonly detail: string | null;
}

export async function readTaxInvoiceParts(
  db: Queryable,
  id: string,
): Promise<{ items: TaxInvoiceItemRow[]; timeline: TaxInvoiceEventRow[] }> {
  const items = await db.query<TaxInvoiceItemRow>(
    `SELECT campaign_id AS "campaignId", name, supply_amount_krw AS "supplyAmountKrw", tax_amount_krw AS "taxAmountKrw"
     FROM tax_invoice_item WHERE tax_invoice_id = $1 ORDER BY line_no`,
    [id],
  );
  const timeline = await db.query<TaxInvoiceEventRow>(
    `SELECT at, state, actor_id AS "actorId", detail FROM tax_invoice_event WHERE tax_invoice_id = $1 ORDER BY id`,
    [id],
  );
  return { items: items.rows, timeline: timeline.rows };
}
