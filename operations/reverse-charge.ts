import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import { DAY_MS } from '../domain/business-date.js';
import { type ClickId, isClickId, issuedMonthOf } from '../domain/click-id.js';
import { clickReversalLines, postToWallet } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import {
  type DatabasePool,
  type Queryable,
  RetryTransaction,
  withRetriedTransaction,
} from '../infra/postgres.js';
import { changeBudgetSpend, changeLots, lockBudgets, openWallet, storeWallets } from './money-locks.js';
import { type Booking, postLedger, takeBookingDay } from './post-ledger.js';
import { postReceivable, readReceivable } from './receivables.js';
import { settleStops } from './resume-serving.js';

/** A lot that expired since comes back with this much time. */
const RETURNED_LOT_LIFE_MS = 7 * DAY_MS;

export interface ReversalRequest {
  readonly clickId: string;
  readonly reason: string;
  readonly actorId: string;
  readonly bidFloorKrw?: number;
  /** Further rows of the same transaction; `replayed`: the click was taken back before, and nothing moves now. */
  readonly alongside?: (client: Queryable, reversal: { readonly replayed: boolean }) => Promise<void>;
}

export interface Reversal {
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly bookedDate: BusinessDate;
  /** It was taken back before; nothing moved now. */
  readonly replayed: boolean;
  readonly stops: readonly ServingStop[];
}

export type ReversalFailure = Failure & { readonly code: 'click_not_found' | 'click_not_charged' };

/**
 * Takes a charge back, at most once per click, booked on its own day with the same split: cash to cash (first to what
 * the advertiser owes), promo money into its lots (an expired lot returns as a new one with 7 days). The total budget
 * always returns, the daily budget when the charge is of the same day.
 */
export async function reverseCharge(
  pool: DatabasePool,
  request: ReversalRequest,
): Promise<Result<Reversal, ReversalFailure>> {
  const { clickId } = request;
  if (!isClickId(clickId)) return err({ code: 'click_not_found', message: 'This is not the id of a click.' });
  return withRetriedTransaction(pool, (client) => reverseInTransaction(client, clickId, request));
}

async function reverseInTransaction(
  client: Queryable,
  clickId: ClickId,
  request: ReversalRequest,
): Promise<Result<Reversal, ReversalFailure>> {
  const charge = await readCharge(client, clickId);
  if (charge === null) return err({ code: 'click_not_found', message: 'No decided click has this id.' });
  if (charge.outcome !== 'charged')
    return err({ code: 'click_not_charged', message: 'This click was not charged.' });
  const wallet = await openWallet(client, charge.advertiserId);
  const budget = (await lockBudgets(client, [charge.campaignId])).get(charge.campaignId);
  const earlier = await readReversal(client, clickId);
  if (earlier !== null) {
    await request.alongside?.(client, { replayed: true });
    return ok({ ...earlier, replayed: true, stops: [] });
  }
  const lots = await lockLots(client, charge);
  const booking = await takeBookingDay(client);
  if (budget && budget.spentDate > booking.bookedDate)
    throw new RetryTransaction('the clock stepped back over midnight');
  const split = { cashKrw: toKrw(charge.cashKrw), promoKrw: toKrw(charge.promoKrw) };
  const { advertiserId, campaignId } = charge;
  const lines = clickReversalLines(split, await readReceivable(client, advertiserId));
  const after = postToWallet(wallet, lines);
  const ids = await postLedger(client, booking, [
    {
      advertiserId,
      campaignId,
      cause: 'click_reversal',
      causeKey: clickId,
      memo: request.reason,
      lines: after.posted,
    },
  ]);
  await storeWallets(client, new Map([[advertiserId, after.wallet]]));
  await postReceivable(client, advertiserId, lines, booking);
  await returnPromo(client, charge, lots, booking);
  await returnBudget(client, charge, booking);
  await insertReversal(client, charge, request, ids.get(clickId) ?? 0, booking);
  const stops = await liftStops(client, charge, request, booking);
  await request.alongside?.(client, { replayed: false });
  return ok({ ...split, bookedDate: booking.bookedDate, replayed: false, stops });
}

interface Charge {
  readonly clickId: ClickId;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly outcome: string;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly promoLots: readonly { readonly lotId: number; readonly krw: number }[] | null;
  readonly bookedDate: BusinessDate;
}

async function readCharge(client: Queryable, clickId: ClickId): Promise<Charge | null> {
  const { rows } = await client.query<Charge>(
    `SELECT click_id AS "clickId", advertiser_id AS "advertiserId", campaign_id AS "campaignId", outcome,
       cash_krw AS "cashKrw", promo_krw AS "promoKrw", promo_lots AS "promoLots", booked_date AS "bookedDate"
     FROM click_charge WHERE click_id = $1 AND issued_month = $2`,
    [clickId, issuedMonthOf(clickId)],
  );
  return rows[0] ?? null;
}

async function readReversal(
  client: Queryable,
  clickId: ClickId,
): Promise<Pick<Reversal, 'cashKrw' | 'promoKrw' | 'bookedDate'> | null> {
  const { rows } = await client.query<Pick<Reversal, 'cashKrw' | 'promoKrw' | 'bookedDate'>>(
    `SELECT cash_krw AS "cashKrw", promo_krw AS "promoKrw", booked_date AS "bookedDate"
     FROM click_reversal WHERE click_id = $1`,
    [clickId],
  );
  return rows[0] ?? null;
}

/** Expiry of each lot that paid, locked in id order. */
async function lockLots(client: Queryable, charge: Charge): Promise<Map<number, Date>> {
  const { rows } = await client.query<{ id: number; expires_at: Date }>(
    'SELECT id, expires_at FROM promo_lot WHERE id = ANY($1) ORDER BY id FOR UPDATE',
    [(charge.promoLots ?? []).map((lot) => lot.lotId)],
  );
  return new Map(rows.map((row) => [row.id, row.expires_at]));
}

async function returnPromo(
  client: Queryable,
  charge: Charge,
  lots: ReadonlyMap<number, Date>,
  booking: Booking,
): Promise<void> {
  const living = new Map<number, number>();
  for (const { lotId, krw } of charge.promoLots ?? []) {
    const expiresAt = lots.get(lotId);
    if (expiresAt && expiresAt > booking.bookedAt) {
      living.set(lotId, krw);
      continue;
    }
    await client.query(
      `INSERT INTO promo_lot (advertiser_id, granted_krw, remaining_krw, granted_at, expires_at, origin)
       VALUES ($1, $2, $2, $3, $4, $5)`,
      [
        charge.advertiserId,
        krw,
        booking.bookedAt,
        new Date(booking.bookedAt.getTime() + RETURNED_LOT_LIFE_MS),
        `reversal:${charge.clickId}:${lotId}`,
      ],
    );
  }
  await changeLots(client, living);
}

async function returnBudget(client: Queryable, charge: Charge, booking: Booking): Promise<void> {
  const krw = charge.cashKrw + charge.promoKrw;
  const todayKrw = charge.bookedDate === booking.bookedDate ? -krw : 0;
  await changeBudgetSpend(
    client,
    booking.bookedDate,
    new Map([[charge.campaignId, { todayKrw, totalKrw: -krw }]]),
  );
  await client.query(
    `INSERT INTO campaign_daily_spend (campaign_id, business_date, advertiser_id, reversed_krw, reversed_clicks)
     VALUES ($1, $2, $3, $4, 1)
     ON CONFLICT (campaign_id, business_date) DO UPDATE SET
       reversed_krw = campaign_daily_spend.reversed_krw + excluded.reversed_krw,
       reversed_clicks = campaign_daily_spend.reversed_clicks + 1`,
    [charge.campaignId, booking.bookedDate, charge.advertiserId, krw],
  );
}

async function insertReversal(
  client: Queryable,
  charge: Charge,
  request: ReversalRequest,
  transactionId: number,
  booking: Booking,
): Promise<void> {
  await client.query(
    `INSERT INTO click_reversal (click_id, issued_month, advertiser_id, campaign_id, reason, actor_id, cash_krw,
       promo_krw, charge_booked_date, ledger_transaction_id, booked_at, booked_date)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      charge.clickId,
      issuedMonthOf(charge.clickId),
      charge.advertiserId,
      charge.campaignId,
      request.reason,
      request.actorId,
      charge.cashKrw,
      charge.promoKrw,
      charge.bookedDate,
      transactionId,
      booking.bookedAt,
      booking.bookedDate,
    ],
  );
}

/** The balance grew for all campaigns; budgets grew for this one. */
async function liftStops(
  client: Queryable,
  charge: Charge,
  request: ReversalRequest,
  booking: Booking,
): Promise<ServingStop[]> {
  const { advertiserId, campaignId } = charge;
  const floor = request.bidFloorKrw === undefined ? {} : { bidFloorKrw: request.bidFloorKrw };
  const budgetStops =
    charge.bookedDate === booking.bookedDate
      ? (['daily_budget_exhausted', 'total_budget_exhausted'] as const)
      : (['total_budget_exhausted'] as const);
  const own = await settleStops(
    client,
    { advertiserId, campaignId, endsStops: budgetStops, ...floor },
    booking,
  );
  const all = await settleStops(
    client,
    { advertiserId, endsStops: ['balance_exhausted'], ...floor },
    booking,
  );
  return [...own, ...all];
}
