import type { SettlementStatus } from '../contracts/temporal/settlement.js';
import { type BusinessDate, isBusinessDate } from '../domain/business-date.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { closeBusinessDay } from './close-business-day.js';

export interface SettlementRun {
  readonly runNo: number;
  readonly status: SettlementStatus;
  readonly linesHash: string | null;
  readonly differences: number;
}

/** Failures: `invalid_date`, `business_day_not_over`. */
export async function closeDayForSettlement(
  pool: DatabasePool,
  businessDate: string,
  closedBy: string,
): Promise<Result<null>> {
  if (!isBusinessDate(businessDate)) {
    return err({
      code: 'invalid_date',
      message: `${businessDate} is not a day as YYYY-MM-DD.`,
      field: 'date',
    });
  }
  const closed = await closeBusinessDay(pool, { businessDate, closedBy });
  return closed.ok ? ok(null) : closed;
}

/** 7304 names the lock of a day's settlement: runs of one day get their numbers one after the other. */
export const lockSettlementOf = (client: Queryable, businessDate: BusinessDate) =>
  client.query('SELECT pg_advisory_xact_lock(7304, business_day_lock_key($1::date))', [businessDate]);

/**
 * The run that this workflow id names; made when there is none. A day has at most one run under way.
 * Failure: `settlement_running`.
 */
export async function beginSettlement(
  pool: DatabasePool,
  input: { readonly businessDate: BusinessDate; readonly workflowId: string; readonly requestedBy: string },
): Promise<Result<SettlementRun>> {
  const { businessDate, workflowId, requestedBy } = input;
  return withTransaction(pool, async (client) => {
    await lockSettlementOf(client, businessDate);
    const known = await readRun(client, workflowId);
    if (known !== null) return ok(known);
    const { rows } = await client.query<{ last: number; running: string | null }>(
      `SELECT coalesce(max(run_no), 0) AS last, max(id) FILTER (WHERE status = 'running') AS running
       FROM settlement_run WHERE business_date = $1`,
      [businessDate],
    );
    if (rows[0]?.running) return err(alreadyRunning(businessDate, rows[0].running));
    const runNo = (rows[0]?.last ?? 0) + 1;
    await client.query(
      `INSERT INTO settlement_run (id, business_date, run_no, status, requested_by, started_at)
       VALUES ($1, $2, $3, 'running', $4, business_now())`,
      [workflowId, businessDate, runNo, requestedBy],
    );
    return ok({ runNo, status: 'running', linesHash: null, differences: 0 });
  });
}

const alreadyRunning = (date: BusinessDate, by: string): Failure => ({
  code: 'settlement_running',
  message: `${date} is being settled already, by ${by}.`,
  nextStep: 'Wait until it has ended, then start another run if one is needed.',
});

export async function readRun(db: Queryable, workflowId: string): Promise<SettlementRun | null> {
  const { rows } = await db.query<SettlementRun>(
    `SELECT run_no AS "runNo", status, lines_hash AS "linesHash",
       coalesce(jsonb_array_length(differences), 0) AS differences FROM settlement_run WHERE id = $1`,
    [workflowId],
  );
  return rows[0] ?? null;
}

/** Everybody whose money or clicks moved on a day. */
const ACTIVE = `
  SELECT advertiser_id FROM campaign_daily_spend WHERE business_date = $1
  UNION SELECT advertiser_id FROM ledger_transaction WHERE booked_date = $1`;

const MOST_CHUNKS = 100;

/** At most a hundred ranges of advertiser ids, none empty. */
export async function planSettlementChunks(
  db: Queryable,
  businessDate: BusinessDate,
): Promise<[from: string, until: string][]> {
  const { rows } = await db.query<{ from: string; until: string }>(
    `SELECT min(advertiser_id) AS "from", max(advertiser_id) AS until
     FROM (SELECT advertiser_id, ntile($2) OVER (ORDER BY advertiser_id) AS chunk FROM (${ACTIVE}) active) chunks
     GROUP BY chunk ORDER BY chunk`,
    [businessDate, MOST_CHUNKS],
  );
  return rows.map(({ from, until }) => [from, until]);
}

export interface SettlementChunk {
  readonly businessDate: BusinessDate;
  readonly runNo: number;
  readonly from: string;
  readonly until: string;
}

/** Lines and statements of a range of advertisers, one statement each. Repeated, it adds nothing: the day is closed. */
export async function settleChunk(pool: DatabasePool, chunk: SettlementChunk): Promise<void> {
  await withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT advertiser_id AS id FROM (${ACTIVE}) active WHERE advertiser_id BETWEEN $2 AND $3`,
      [chunk.businessDate, chunk.from, chunk.until],
    );
    const values = [chunk.businessDate, chunk.runNo, rows.map(({ id }) => id)];
    await client.query(INSERT_LINES, values);
    await client.query(INSERT_STATEMENTS, values);
  });
}

const INSERT_LINES = `
  WITH clicks AS (
    SELECT advertiser_id, campaign_id, count(*) FILTER (WHERE outcome = 'charged') AS n, sum(cash_krw) AS cash,
      sum(promo_krw) AS promo, count(*) FILTER (WHERE outcome IN ('no_balance', 'over_budget')) AS over_n,
      coalesce(sum(token_price_krw) FILTER (WHERE outcome IN ('no_balance', 'over_budget')), 0) AS over_krw
    FROM click_charge
    WHERE advertiser_id = ANY($3) AND booked_date = $1 AND outcome <> 'invalid'
      AND booked_at >= $1::date::timestamp AT TIME ZONE 'Asia/Seoul'
      AND booked_at < ($1::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul'
    GROUP BY advertiser_id, campaign_id),
  back AS (
    SELECT advertiser_id, campaign_id, count(*) AS n, sum(cash_krw) AS cash, sum(promo_krw) AS promo
    FROM click_reversal WHERE advertiser_id = ANY($3) AND booked_date = $1 GROUP BY advertiser_id, campaign_id)
  INSERT INTO settlement_line (business_date, run_no, advertiser_id, campaign_id, charged_clicks, charged_cash_krw,
    charged_promo_krw, reversed_clicks, reversed_cash_krw, reversed_promo_krw, over_delivery_clicks, over_delivery_krw)
  SELECT $1, $2, advertiser_id, campaign_id, coalesce(c.n, 0), coalesce(c.cash, 0), coalesce(c.promo, 0),
    coalesce(b.n, 0), coalesce(b.cash, 0), coalesce(b.promo, 0), coalesce(c.over_n, 0), coalesce(c.over_krw, 0)
  FROM clicks c FULL JOIN back b USING (advertiser_id, campaign_id)
  ON CONFLICT DO NOTHING`;

/** Opening and closing are read from the running balances, the movements from the causes: the table compares them. */
const INSERT_STATEMENTS = `
  WITH moves AS (
    SELECT t.advertiser_id, t.cause, e.account, sum(e.amount_krw) AS krw
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id AND e.booked_date = t.booked_date
    WHERE t.advertiser_id = ANY($3) AND t.booked_date = $1 AND e.account IN ('wallet_cash', 'wallet_promo')
    GROUP BY t.advertiser_id, t.cause, e.account),
  cash AS (
    SELECT advertiser_id, sum(krw) AS krw,
      coalesce(sum(krw) FILTER (WHERE cause IN ('top_up', 'top_up_reversal')), 0) AS top_up,
      coalesce(sum(krw) FILTER (WHERE cause = 'click_charge'), 0) AS spend,
      coalesce(sum(krw) FILTER (WHERE cause = 'click_reversal'), 0) AS back,
      coalesce(sum(krw) FILTER (WHERE cause IN ('refund', 'refund_failed')), 0) AS refund
    FROM moves WHERE account = 'wallet_cash' GROUP BY advertiser_id),
  promo AS (
    SELECT advertiser_id, sum(krw) AS krw,
      coalesce(sum(krw) FILTER (WHERE cause = 'promo_grant'), 0) AS granted,
      coalesce(sum(krw) FILTER (WHERE cause = 'promo_expiry'), 0) AS expired,
      coalesce(sum(krw) FILTER (WHERE cause = 'click_charge'), 0) AS spend,
      coalesce(sum(krw) FILTER (WHERE cause = 'click_reversal'), 0) AS back
    FROM moves WHERE account = 'wallet_promo' GROUP BY advertiser_id)
  INSERT INTO settlement_statement (business_date, run_no, advertiser_id, opening_cash_krw, opening_promo_krw,
    top_up_krw, spend_cash_krw, spend_promo_krw, reversed_cash_krw, reversed_promo_krw, refund_krw, promo_granted_krw,
    promo_expired_krw, adjustment_cash_krw, adjustment_promo_krw, closing_cash_krw, closing_promo_krw)
  SELECT $1, $2, advertiser_id, wallet_balance_on(advertiser_id, 'wallet_cash', $1::date - 1),
    wallet_balance_on(advertiser_id, 'wallet_promo', $1::date - 1),
    coalesce(c.top_up, 0), coalesce(c.spend, 0), coalesce(p.spend, 0), coalesce(c.back, 0), coalesce(p.back, 0),
    coalesce(c.refund, 0), coalesce(p.granted, 0), coalesce(p.expired, 0),
    coalesce(c.krw - c.top_up - c.spend - c.back - c.refund, 0),
    coalesce(p.krw - p.granted - p.expired - p.spend - p.back, 0),
    wallet_balance_on(advertiser_id, 'wallet_cash', $1::date), wallet_balance_on(advertiser_id, 'wallet_promo', $1::date)
  FROM cash c FULL JOIN promo p USING (advertiser_id)
  ON CONFLICT DO NOTHING`;
