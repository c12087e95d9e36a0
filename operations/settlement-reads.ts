import type { SettlementStatus } from '../contracts/temporal/settlement.js';
import type { BusinessDate } from '../domain/business-date.js';
import { firstDayAfter, firstDayOf, type Month } from '../domain/tax-month.js';
import type { Queryable } from '../infra/postgres.js';
import type { SettlementDifference } from './finish-settlement.js';
import { PUBLISHED_RUNS } from './tax-month-spend.js';

export interface SettlementRunRow {
  readonly runId: string;
  readonly date: BusinessDate;
  readonly runNo: number;
  readonly status: SettlementStatus;
  readonly requestedBy: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly linesHash: string | null;
  readonly lineCount: number | null;
  readonly chargedKrw: number | null;
  readonly reversedKrw: number | null;
  readonly differences: SettlementDifference[] | null;
}

const RUN = `SELECT id AS "runId", business_date AS date, run_no AS "runNo", status, requested_by AS "requestedBy",
  started_at AS "startedAt", finished_at AS "finishedAt", lines_hash AS "linesHash", line_count AS "lineCount",
  charged_krw AS "chargedKrw", reversed_krw AS "reversedKrw", differences FROM settlement_run`;

/** The newest day first, and of a day the newest run first. */
export async function listSettlementRuns(
  db: Queryable,
  page: { readonly before: readonly [string, number] | null; readonly limit: number },
): Promise<SettlementRunRow[]> {
  const { rows } = await db.query<SettlementRunRow>(
    `${RUN} WHERE $1::date IS NULL OR (business_date, run_no) < ($1::date, $2::integer)
     ORDER BY business_date DESC, run_no DESC LIMIT $3`,
    [page.before?.[0] ?? null, page.before?.[1] ?? null, page.limit + 1],
  );
  return rows;
}

export async function readSettlementRuns(db: Queryable, date: BusinessDate): Promise<SettlementRunRow[]> {
  return (await db.query<SettlementRunRow>(`${RUN} WHERE business_date = $1 ORDER BY run_no`, [date])).rows;
}

export interface SettlementLineRow {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly chargedClicks: number;
  readonly chargedCashKrw: number;
  readonly chargedPromoKrw: number;
  readonly reversedClicks: number;
  readonly reversedCashKrw: number;
  readonly reversedPromoKrw: number;
  readonly overDeliveryClicks: number;
  readonly overDeliveryKrw: number;
}

/** Lines of the published run of a day, in the order of their ids. */
export async function listSettlementLines(
  db: Queryable,
  page: {
    readonly date: BusinessDate;
    readonly after: readonly [string, string] | null;
    readonly limit: number;
  },
): Promise<SettlementLineRow[]> {
  const { rows } = await db.query<SettlementLineRow>(
    `SELECT advertiser_id AS "advertiserId", campaign_id AS "campaignId", charged_clicks AS "chargedClicks",
       charged_cash_krw AS "chargedCashKrw", charged_promo_krw AS "chargedPromoKrw", reversed_clicks AS "reversedClicks",
       reversed_cash_krw AS "reversedCashKrw", reversed_promo_krw AS "reversedPromoKrw",
       over_delivery_clicks AS "overDeliveryClicks", over_delivery_krw AS "overDeliveryKrw"
     FROM settlement_line JOIN (${PUBLISHED_RUNS}) p USING (business_date, run_no)
     WHERE business_date = $1 AND ($2::text IS NULL OR (advertiser_id, campaign_id) > ($2, $3))
     ORDER BY advertiser_id, campaign_id LIMIT $4`,
    [page.date, page.after?.[0] ?? null, page.after?.[1] ?? null, page.limit + 1],
  );
  return rows;
}

export interface StatementRow {
  readonly date: BusinessDate;
  readonly [column: string]: number | string;
}

const STATEMENT_COLUMNS = [
  'opening_cash_krw',
  'opening_promo_krw',
  'top_up_krw',
  'spend_cash_krw',
  'spend_promo_krw',
  'reversed_cash_krw',
  'reversed_promo_krw',
  'refund_krw',
  'promo_granted_krw',
  'promo_expired_krw',
  'adjustment_cash_krw',
  'adjustment_promo_krw',
  'closing_cash_krw',
  'closing_promo_krw',
];
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Settled days of a month on which the wallet moved. */
export async function readStatements(
  db: Queryable,
  advertiserId: string,
  month: Month,
): Promise<StatementRow[]> {
  const columns = STATEMENT_COLUMNS.map((name) => `${name} AS "${camel(name)}"`).join(', ');
  const { rows } = await db.query<StatementRow>(
    `SELECT business_date AS date, ${columns} FROM settlement_statement JOIN (${PUBLISHED_RUNS}) p USING (business_date, run_no)
     WHERE advertiser_id = $1 AND business_date >= $2 AND business_date < $3 ORDER BY business_date`,
    [advertiserId, firstDayOf(month), firstDayAfter(month)],
  );
  return rows;
}

/** A month of an advertiser by day and campaign, for its own books. */
export async function readMonthLines(
  db: Queryable,
  advertiserId: string,
  month: Month,
): Promise<(SettlementLineRow & { readonly date: string; readonly campaignName: string })[]> {
  const { rows } = await db.query<SettlementLineRow & { date: string; campaignName: string }>(
    `SELECT business_date AS date, advertiser_id AS "advertiserId", campaign_id AS "campaignId",
       coalesce((SELECT c.name FROM campaign c WHERE c.id = l.campaign_id), l.campaign_id) AS "campaignName", charged_clicks AS "chargedClicks",
       charged_cash_krw AS "chargedCashKrw", charged_promo_krw AS "chargedPromoKrw", reversed_clicks AS "reversedClicks",
       reversed_cash_krw AS "reversedCashKrw", reversed_promo_krw AS "reversedPromoKrw",
       over_delivery_clicks AS "overDeliveryClicks", over_delivery_krw AS "overDeliveryKrw"
     FROM settlement_line l JOIN (${PUBLISHED_RUNS}) p USING (business_date, run_no)
     WHERE l.advertiser_id = $1 AND business_date >= $2 AND business_date < $3 ORDER BY business_date, campaign_id`,
    [advertiserId, firstDayOf(month), firstDayAfter(month)],
  );
  return rows;
}

export interface MonthFigures {
  readonly status: 'not_started' | 'running' | 'completed' | 'failed';
  readonly invoicedAt: Date | null;
  readonly documents: Record<string, number>;
  readonly exceptions: number;
  readonly invoicedKrw: number;
  readonly cashSpendKrw: number;
}

export async function readMonthFigures(db: Queryable, month: Month): Promise<MonthFigures> {
  const { rows } = await db.query<MonthFigures>(
    `SELECT coalesce((SELECT status FROM settlement_month WHERE month = $1), 'not_started') AS status,
       (SELECT invoiced_at FROM settlement_month WHERE month = $1) AS "invoicedAt",
       (SELECT coalesce(jsonb_object_agg(state, n), '{}') FROM
         (SELECT state, count(*) AS n FROM tax_invoice WHERE month = $1 GROUP BY state) s) AS documents,
       (SELECT count(*) FROM tax_invoice WHERE month = $1 AND exception_code IS NOT NULL) AS exceptions,
       (SELECT coalesce(sum(total_amount_krw), 0)::bigint FROM tax_invoice WHERE month = $1 AND state <> 'CANCELLED') AS "invoicedKrw",
       ((SELECT coalesce(sum(charged_cash_krw), 0) FROM settlement_line JOIN (${PUBLISHED_RUNS}) p USING (business_date, run_no)
           WHERE business_date >= $1 AND business_date < $2)
         - (SELECT coalesce(sum(cash_krw), 0) FROM click_reversal
           WHERE charge_booked_date >= $1 AND charge_booked_date < $2))::bigint AS "cashSpendKrw"`,
    [firstDayOf(month), firstDayAfter(month)],
  );
  if (!rows[0]) throw new Error('one row is always there');
  return rows[0];
}
