import { addDays, type BusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import type { Placement } from '../domain/placement.js';
import type { Queryable } from '../infra/postgres.js';

export interface AdvertiserBalance {
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly promoLots: readonly { readonly remainingKrw: number; readonly expiresAt: Date }[];
}

/** What is left, fund by fund. An advertiser that never had money has zeros. */
export async function readBalance(db: Queryable, advertiserId: string): Promise<AdvertiserBalance> {
  const { rows } = await db.query<{ cashKrw: number; promoKrw: number }>(
    'SELECT cash_krw AS "cashKrw", promo_krw AS "promoKrw" FROM advertiser_balance WHERE advertiser_id = $1',
    [advertiserId],
  );
  const lots = await db.query<{ remainingKrw: number; expiresAt: Date }>(
    `SELECT remaining_krw AS "remainingKrw", expires_at AS "expiresAt" FROM promo_lot
      WHERE advertiser_id = $1 AND remaining_krw > 0 ORDER BY expires_at, id`,
    [advertiserId],
  );
  return { cashKrw: rows[0]?.cashKrw ?? 0, promoKrw: rows[0]?.promoKrw ?? 0, promoLots: lots.rows };
}

export interface LedgerEntryRow {
  readonly seq: number;
  readonly transactionId: number;
  readonly cause: string;
  readonly causeKey: string;
  readonly campaignId: string | null;
  readonly account: 'wallet_cash' | 'wallet_promo';
  readonly amountKrw: number;
  readonly balanceAfterKrw: number;
  readonly bookedAt: Date;
  readonly bookedDate: string;
  readonly memo: string | null;
}

/** Entries of the advertiser's wallets, newest first. Reads `limit + 1` rows. */
export async function listLedgerEntries(
  db: Queryable,
  filter: { readonly advertiserId: string; readonly beforeSeq: number | null; readonly limit: number },
): Promise<LedgerEntryRow[]> {
  const { rows } = await db.query<LedgerEntryRow>(
    `SELECT e.advertiser_seq AS seq, e.transaction_id AS "transactionId", t.cause, t.cause_key AS "causeKey",
            t.campaign_id AS "campaignId", e.account, e.amount_krw AS "amountKrw",
            e.balance_after_krw AS "balanceAfterKrw", t.booked_at AS "bookedAt",
            to_char(e.booked_date, 'YYYY-MM-DD') AS "bookedDate", t.memo
       FROM ledger_entry e
       JOIN ledger_transaction t ON t.id = e.transaction_id AND t.booked_date = e.booked_date
      WHERE e.advertiser_id = $1 AND e.advertiser_seq IS NOT NULL
        AND ($2::bigint IS NULL OR e.advertiser_seq < $2)
      ORDER BY e.advertiser_seq DESC
      LIMIT $3 + 1`,
    [filter.advertiserId, filter.beforeSeq, filter.limit],
  );
  return rows;
}

export interface AdvertiserClickRow {
  readonly clickId: string;
  readonly campaignId: string;
  readonly adId: string;
  readonly productId: string;
  readonly placement: Placement;
  readonly slot: number;
  readonly clickedAt: Date;
  readonly bookedAt: Date;
  readonly bookedDate: string;
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly tokenPriceKrw: number;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly reversed: boolean;
}

export interface ClickFilter {
  readonly advertiserId: string;
  readonly campaignId?: string | undefined;
  /** Decided on this day. */
  readonly date?: BusinessDate | undefined;
  readonly outcome?: ClickOutcome | undefined;
  /** Only clicks decided before this one: (bookedAt in epoch ms, clickId). */
  readonly before: readonly [bookedAtMs: number, clickId: string] | null;
  readonly limit: number;
}

/** Clicks with how each ended, newest decision first, ties by click id. Reads `limit + 1` rows. */
export async function listAdvertiserClicks(
  db: Queryable,
  filter: ClickFilter,
): Promise<AdvertiserClickRow[]> {
  const [beforeMs, beforeId] = filter.before ?? [null, null];
  const { date } = filter;
  const { rows } = await db.query<AdvertiserClickRow>(
    `SELECT c.click_id AS "clickId", c.campaign_id AS "campaignId", c.ad_id AS "adId", c.product_id AS "productId",
            c.placement, c.slot, c.clicked_at AS "clickedAt", c.booked_at AS "bookedAt",
            to_char(c.booked_date, 'YYYY-MM-DD') AS "bookedDate", c.outcome, c.reason,
            c.token_price_krw AS "tokenPriceKrw", c.charged_krw AS "chargedKrw", c.cash_krw AS "cashKrw",
            c.promo_krw AS "promoKrw",
            EXISTS (SELECT FROM click_reversal r WHERE r.click_id = c.click_id) AS reversed
       FROM click_charge c
      WHERE c.advertiser_id = $1
        AND ($2::text IS NULL OR c.campaign_id = $2)
        AND ($3::text IS NULL OR c.outcome = $3)
        AND ($7::bigint IS NULL OR (c.booked_at >= to_timestamp($7 / 1000.0) AND c.booked_at < to_timestamp($8 / 1000.0)))
        AND ($4::bigint IS NULL OR (c.booked_at, c.click_id) < (to_timestamp($4 / 1000.0), $5::uuid))
      ORDER BY c.booked_at DESC, c.click_id DESC
      LIMIT $6 + 1`,
    [
      filter.advertiserId,
      filter.campaignId ?? null,
      filter.outcome ?? null,
      beforeMs,
      beforeId,
      filter.limit,
      date === undefined ? null : startOfBusinessDate(date),
      date === undefined ? null : startOfBusinessDate(addDays(date, 1)),
    ],
  );
  return rows;
}
