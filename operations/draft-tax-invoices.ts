import { splitVat, sumKrw, toKrw } from '../domain/money.js';
import {
  clientReferenceIdOf,
  itemise,
  TAX_RULES_VERSION,
  type TaxItem,
  taxInvoiceIdOf,
} from '../domain/tax-invoice.js';
import { firstDayAfter, firstDayOf, lastDayOf, type Month } from '../domain/tax-month.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { type CampaignMonthSpend, readMonthSpend } from './tax-month-spend.js';

const ADVERTISERS_PER_PAGE = 200;

/**
 * The invoices of one page of advertisers: one each on what was spent in cash, none when nothing was. A repeated page
 * finds its documents and leaves them. Returns where the next page begins.
 */
export async function draftTaxInvoices(
  pool: DatabasePool,
  month: Month,
  after: string,
): Promise<{ next: string | null }> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT DISTINCT advertiser_id AS id FROM settlement_line
       WHERE business_date >= $1 AND business_date < $2 AND advertiser_id > $3 ORDER BY 1 LIMIT $4`,
      [firstDayOf(month), firstDayAfter(month), after, ADVERTISERS_PER_PAGE],
    );
    const advertiserIds = rows.map(({ id }) => id);
    const spend = new Map<string, CampaignMonthSpend[]>();
    for (const row of await readMonthSpend(client, month, advertiserIds)) {
      spend.set(row.advertiserId, [...(spend.get(row.advertiserId) ?? []), row]);
    }
    for (const [advertiserId, campaigns] of spend) await draftOne(client, month, advertiserId, campaigns);
    return { next: rows.length < ADVERTISERS_PER_PAGE ? null : (advertiserIds.at(-1) ?? null) };
  });
}

async function draftOne(
  client: Queryable,
  month: Month,
  advertiserId: string,
  campaigns: readonly CampaignMonthSpend[],
): Promise<void> {
  const chargedKrw = sumKrw(campaigns.map((row) => toKrw(row.chargedKrw)));
  const reversedKrw = sumKrw(campaigns.map((row) => toKrw(row.reversedKrw)));
  const totalKrw = toKrw(chargedKrw - reversedKrw);
  if (totalKrw <= 0) return;
  await insertTaxDocument(client, {
    advertiserId,
    month,
    seq: 0,
    originalId: null,
    ...splitVat(totalKrw),
    basis: { chargedKrw, reversedKrw },
    writeDate: lastDayOf(month),
    reason: null,
    requestedBy: 'system',
    items: itemise(campaigns.map((row) => ({ ...row, totalKrw: toKrw(row.chargedKrw - row.reversedKrw) }))),
  });
}

export interface NewTaxDocument {
  readonly advertiserId: string;
  readonly month: Month;
  /** 0: the invoice; from 1 on its corrections. */
  readonly seq: number;
  readonly originalId: string | null;
  readonly supplyAmountKrw: number;
  readonly taxAmountKrw: number;
  readonly basis: { readonly chargedKrw: number; readonly reversedKrw: number };
  readonly writeDate: string;
  readonly reason: string | null;
  readonly requestedBy: string;
  readonly items: readonly TaxItem[];
}

/** Document, lines and the first entry of its history; nothing when it is there already. */
export async function insertTaxDocument(client: Queryable, doc: NewTaxDocument): Promise<void> {
  const id = taxInvoiceIdOf(doc.advertiserId, doc.month, doc.seq);
  const inserted = await client.query(
    `INSERT INTO tax_invoice (id, advertiser_id, month, seq, kind, original_id, supply_amount_krw, tax_amount_krw,
       total_amount_krw, basis_charged_krw, basis_reversed_krw, write_date, rules_version, reason, requested_by,
       created_at, updated_at, state, client_reference_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, business_now(), business_now(), 'DRAFT', $16)
     ON CONFLICT (advertiser_id, month, seq) DO NOTHING`,
    [
      id,
      doc.advertiserId,
      firstDayOf(doc.month),
      doc.seq,
      doc.seq === 0 ? 'ORIGINAL' : 'SUPPLY_PRICE_CHANGE',
      doc.originalId,
      doc.supplyAmountKrw,
      doc.taxAmountKrw,
      doc.supplyAmountKrw + doc.taxAmountKrw,
      doc.basis.chargedKrw,
      doc.basis.reversedKrw,
      doc.writeDate,
      TAX_RULES_VERSION,
      doc.reason,
      doc.requestedBy,
      clientReferenceIdOf(doc.advertiserId, doc.month, doc.seq, 0),
    ],
  );
  if (inserted.rowCount === 0) return;
  await client.query(
    `INSERT INTO tax_invoice_item (tax_invoice_id, line_no, campaign_id, name, supply_amount_krw, tax_amount_krw)
     SELECT $1, ordinality, campaign_id, name, supply, tax
     FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS i(campaign_id, name, supply, tax, ordinality)`,
    [
      id,
      doc.items.map((item) => item.campaignId),
      doc.items.map((item) => item.name),
      doc.items.map((item) => item.supplyAmountKrw),
      doc.items.map((item) => item.taxAmountKrw),
    ],
  );
  await client.query(
    `INSERT INTO tax_invoice_event (tax_invoice_id, at, state, actor_id, detail) VALUES ($1, business_now(), 'DRAFT', $2, $3)`,
    [id, doc.requestedBy, doc.reason],
  );
}
