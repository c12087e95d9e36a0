import { clickSignalsSchema, priceReasonSchema } from '../contracts/events/ad-events.js';
import { type BusinessDate, isBusinessDate } from '../domain/business-date.js';
import { type ClickId, issuedMonthOf } from '../domain/click-id.js';
import type { ClickOutcome, ClickReason, ClickSignals } from '../domain/click-outcome.js';
import type { LedgerAccount } from '../domain/ledger.js';
import type { Placement } from '../domain/placement.js';
import { invariant } from '../domain/result.js';
import { type Month, monthOf } from '../domain/tax-month.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { listTaxInvoices, type TaxInvoiceRow } from './tax-invoice-reads.js';

export interface ClickRow {
  readonly clickId: string;
  readonly requestId: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly campaignName: string | null;
  readonly adId: string;
  readonly productId: string;
  readonly productName: string | null;
  readonly placement: Placement;
  readonly slot: number;
  readonly tokenPriceKrw: number;
  readonly priceReason: PriceReason;
  readonly tokenIssuedAt: Date;
  readonly clickedAt: Date;
  readonly recordedAt: Date;
  readonly signals: ClickSignals;
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly rulesVersion: number;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly promoLots: readonly { readonly lotId: number; readonly krw: number }[];
  readonly ledgerTransactionId: number | null;
  readonly bookedAt: Date;
  readonly bookedDate: BusinessDate;
}

export interface PriceReason {
  readonly rankScore: number;
  readonly runnerUpScore: number | null;
  readonly bidFloorKrw: number;
  readonly parametersVersion: number;
}

export interface ReceiptEntry {
  readonly lineNo: number;
  readonly account: LedgerAccount;
  readonly amountKrw: number;
  readonly balanceAfterKrw: number | null;
}

/** A booking. A charge books all clicks of one campaign that were decided together: the entries are theirs together. */
export interface ReceiptBooking {
  readonly transactionId: number;
  readonly bookedDate: BusinessDate;
  readonly clicks: number;
  readonly entries: readonly ReceiptEntry[];
}

export interface ReceiptReversal {
  readonly reason: string;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly bookedAt: Date;
  readonly booking: ReceiptBooking;
  readonly settlement: ReceiptSettlement | null;
}

export interface ReceiptConversion {
  readonly orderLineId: string;
  readonly productId: string;
  readonly match: 'direct' | 'indirect';
  readonly quantity: number;
  readonly conversionValueKrw: number;
  readonly convertedAtMs: number;
  readonly reversedAtMs: number | null;
  readonly rulesVersion: number;
}

/** The published line of this campaign and day; no line when nothing of the campaign was charged or taken back then. */
export interface ReceiptSettlement {
  readonly runNo: number;
  readonly linesHash: string;
  readonly settledAt: Date;
  readonly line: {
    readonly chargedClicks: number;
    readonly chargedCashKrw: number;
    readonly chargedPromoKrw: number;
    readonly reversedClicks: number;
    readonly reversedCashKrw: number;
    readonly reversedPromoKrw: number;
  } | null;
}

export interface ClickReceipt {
  readonly click: ClickRow;
  /** Highest bids of the campaign there when the ad was served, the newest first. */
  readonly bidsKrw: readonly number[];
  readonly lots: readonly { readonly lotId: number; readonly krw: number; readonly expiresAt: Date }[];
  /** Null: nothing was charged. */
  readonly booking: ReceiptBooking | null;
  readonly reversal: ReceiptReversal | null;
  readonly conversions: readonly ReceiptConversion[];
  /** Null: the day is not settled yet. */
  readonly settlement: ReceiptSettlement | null;
  readonly month: Month;
  readonly documents: readonly TaxInvoiceRow[];
}

/**
 * Everything that became of one decided click, as it stands at one moment; null when no decided click has this id.
 * Each part is read by a key, the click itself out of the partition that its id names.
 */
export function readClickReceipt(pool: DatabasePool, clickId: ClickId): Promise<ClickReceipt | null> {
  return withTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const click = await readClick(client, clickId);
    return click === null ? null : readParts(client, click);
  });
}

async function readParts(client: Queryable, click: ClickRow): Promise<ClickReceipt> {
  const month = monthOf(click.bookedDate);
  const { advertiserId } = click;
  return {
    click,
    bidsKrw: await readBids(client, click),
    lots: await readLots(client, click),
    booking: await readChargeBooking(client, click),
    reversal: await readReversal(client, click),
    conversions: await readConversions(client, click.clickId),
    settlement: await readSettlement(client, click, click.bookedDate),
    month,
    documents: await listTaxInvoices(client, { advertiserId, month, before: null, limit: MOST_DOCUMENTS }),
  };
}

/** The invoice and its corrections; more of them than this is not a case of one month. */
const MOST_DOCUMENTS = 50;
/** The order lines that one click can have led to within 24 hours: a bound, not a page. */
const MOST_CONVERSIONS = 500;
/** A bid changed more often than this in the moment before a query is not told from the others. */
const BIDS_LOOKED_AT = 5;

async function readClick(client: Queryable, clickId: ClickId): Promise<ClickRow | null> {
  const { rows } = await client.query<ClickRow & { priceReason: unknown; signals: unknown }>(
    `SELECT c.click_id AS "clickId", c.request_id AS "requestId", c.advertiser_id AS "advertiserId",
       c.campaign_id AS "campaignId", m.name AS "campaignName", c.ad_id AS "adId", c.product_id AS "productId",
       p.name AS "productName", c.placement, c.slot, c.token_price_krw AS "tokenPriceKrw",
       c.price_reason AS "priceReason", c.token_issued_at AS "tokenIssuedAt", c.clicked_at AS "clickedAt",
       c.recorded_at AS "recordedAt", c.signals, c.outcome, c.reason, c.rules_version AS "rulesVersion",
       c.charged_krw AS "chargedKrw", c.cash_krw AS "cashKrw", c.promo_krw AS "promoKrw",
       coalesce(c.promo_lots, '[]') AS "promoLots", c.ledger_transaction_id AS "ledgerTransactionId",
       c.booked_at AS "bookedAt", c.booked_date AS "bookedDate"
     FROM click_charge c LEFT JOIN campaign m ON m.id = c.campaign_id LEFT JOIN product p ON p.id = c.product_id
     WHERE c.click_id = $1 AND c.issued_month = $2`,
    [clickId, issuedMonthOf(clickId)],
  );
  const [row] = rows;
  if (row === undefined) return null;
  invariant(isBusinessDate(row.bookedDate), `click ${clickId} is booked on no day`);
  const priceReason = priceReasonSchema.parse(row.priceReason);
  return { ...row, priceReason, signals: clickSignalsSchema.parse(row.signals) };
}

async function readBids(client: Queryable, click: ClickRow): Promise<number[]> {
  const { rows } = await client.query<{ bidKrw: number }>(
    `SELECT (bid ->> 'maxCpcKrw')::integer AS "bidKrw"
     FROM campaign_snapshot s, jsonb_array_elements(s.snapshot -> 'bids') AS bid
     WHERE s.campaign_id = $1 AND s.created_at <= $2 AND bid ->> 'placement' = $3
     ORDER BY s.version DESC LIMIT $4`,
    [click.campaignId, click.tokenIssuedAt, click.placement, BIDS_LOOKED_AT],
  );
  return rows.map(({ bidKrw }) => bidKrw);
}

async function readLots(client: Queryable, { promoLots }: ClickRow): Promise<ClickReceipt['lots']> {
  if (promoLots.length === 0) return [];
  const { rows } = await client.query<{ lotId: number; expiresAt: Date }>(
    'SELECT id AS "lotId", expires_at AS "expiresAt" FROM promo_lot WHERE id = ANY($1)',
    [promoLots.map((lot) => lot.lotId)],
  );
  const expiries = new Map(rows.map((row) => [row.lotId, row.expiresAt]));
  return promoLots.map(({ lotId, krw }) => {
    const expiresAt = expiries.get(lotId);
    invariant(expiresAt !== undefined, `promo lot ${lotId} paid a click and is gone`);
    return { lotId, krw, expiresAt };
  });
}

async function readChargeBooking(client: Queryable, click: ClickRow): Promise<ReceiptBooking | null> {
  const { ledgerTransactionId: id, bookedDate } = click;
  if (id === null) return null;
  const { rows } = await client.query<{ count: number }>(
    // What advertiser and moment have in common is read by their index; the clicks of one transaction share both.
    `SELECT count(*) AS count FROM click_charge
     WHERE advertiser_id = $2 AND booked_at = $3 AND ledger_transaction_id = $1`,
    [id, click.advertiserId, click.bookedAt],
  );
  const entries = await readEntries(client, id, bookedDate);
  return { transactionId: id, bookedDate, clicks: rows[0]?.count ?? 0, entries };
}

async function readEntries(client: Queryable, id: number, bookedDate: BusinessDate): Promise<ReceiptEntry[]> {
  const { rows } = await client.query<ReceiptEntry>(
    `SELECT line_no AS "lineNo", account, amount_krw AS "amountKrw", balance_after_krw AS "balanceAfterKrw"
     FROM ledger_entry WHERE transaction_id = $1 AND booked_date = $2 ORDER BY line_no`,
    [id, bookedDate],
  );
  return rows;
}

async function readReversal(client: Queryable, click: ClickRow): Promise<ReceiptReversal | null> {
  const { rows } = await client.query<
    Pick<ReceiptReversal, 'reason' | 'cashKrw' | 'promoKrw' | 'bookedAt'> & {
      readonly transactionId: number;
      readonly bookedDate: BusinessDate;
    }
  >(
    `SELECT reason, cash_krw AS "cashKrw", promo_krw AS "promoKrw", booked_at AS "bookedAt",
       booked_date AS "bookedDate", ledger_transaction_id AS "transactionId"
     FROM click_reversal WHERE click_id = $1`,
    [click.clickId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { transactionId, bookedDate, ...reversal } = row;
  const entries = await readEntries(client, transactionId, bookedDate);
  const booking = { transactionId, bookedDate, clicks: 1, entries };
  return { ...reversal, booking, settlement: await readSettlement(client, click, bookedDate) };
}

async function readConversions(client: Queryable, clickId: string): Promise<ReceiptConversion[]> {
  const { rows } = await client.query<ReceiptConversion>(
    `SELECT order_line_id AS "orderLineId", product_id AS "productId", match, quantity,
       conversion_value_krw AS "conversionValueKrw", converted_at_ms AS "convertedAtMs",
       reversed_at_ms AS "reversedAtMs", rules_version AS "rulesVersion"
     FROM attributed_conversion WHERE click_id = $1 ORDER BY converted_at_ms, order_line_id LIMIT $2`,
    [clickId, MOST_CONVERSIONS],
  );
  return rows;
}

type LineColumns = { readonly [K in keyof NonNullable<ReceiptSettlement['line']>]: number | null };

async function readSettlement(
  client: Queryable,
  { advertiserId, campaignId }: ClickRow,
  date: BusinessDate,
): Promise<ReceiptSettlement | null> {
  const { rows } = await client.query<Omit<ReceiptSettlement, 'line'> & LineColumns>(
    `SELECT r.run_no AS "runNo", r.lines_hash AS "linesHash", r.finished_at AS "settledAt",
       l.charged_clicks AS "chargedClicks", l.charged_cash_krw AS "chargedCashKrw",
       l.charged_promo_krw AS "chargedPromoKrw", l.reversed_clicks AS "reversedClicks",
       l.reversed_cash_krw AS "reversedCashKrw", l.reversed_promo_krw AS "reversedPromoKrw"
     FROM (SELECT * FROM settlement_run WHERE business_date = $1 AND status = 'completed' ORDER BY run_no LIMIT 1) r
       LEFT JOIN settlement_line l ON l.business_date = r.business_date AND l.run_no = r.run_no
         AND l.advertiser_id = $2 AND l.campaign_id = $3`,
    [date, advertiserId, campaignId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { runNo, linesHash, settledAt, ...line } = row;
  return { runNo, linesHash, settledAt, line: isLine(line) ? line : null };
}

function isLine(columns: LineColumns): columns is NonNullable<ReceiptSettlement['line']> {
  return Object.values(columns).every((value) => value !== null);
}
