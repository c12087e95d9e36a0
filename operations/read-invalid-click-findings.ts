import type { FindingProgress } from '../contracts/temporal/invalid-click-finding.js';
import type { FindingCriteria, FindingStatus, LateRule } from '../domain/invalid-click-finding.js';
import { invariant } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';

export interface FindingRow {
  readonly findingId: string;
  readonly rule: LateRule;
  readonly criteria: FindingCriteria;
  readonly note: string;
  readonly status: FindingStatus;
  readonly clicks: number;
  readonly advertisers: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly reversedClicks: number;
  readonly reversedCashKrw: number;
  readonly reversedPromoKrw: number;
  readonly alreadyReversedClicks: number;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
  readonly finishedAt: Date | null;
}

const FINDING = `SELECT f.id AS "findingId", f.rule, f.criteria, f.note, f.status, f.clicks, f.advertisers,
  f.cash_krw AS "cashKrw", f.promo_krw AS "promoKrw", p."reversedClicks", p."reversedCashKrw", p."reversedPromoKrw",
  p."alreadyReversedClicks", f.created_at AS "createdAt", f.created_by AS "createdBy", f.decided_at AS "decidedAt",
  f.decided_by AS "decidedBy", f.finished_at AS "finishedAt"
  FROM invalid_click_finding f CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'reversed') AS "reversedClicks",
      count(*) FILTER (WHERE state = 'already_reversed') AS "alreadyReversedClicks",
      coalesce(sum(cash_krw) FILTER (WHERE state = 'reversed'), 0)::bigint AS "reversedCashKrw",
      coalesce(sum(promo_krw) FILTER (WHERE state = 'reversed'), 0)::bigint AS "reversedPromoKrw"
    FROM invalid_click_finding_click c WHERE c.finding_id = f.id) p`;

export async function readFinding(db: Queryable, findingId: string): Promise<FindingRow | null> {
  const { rows } = await db.query<FindingRow>(`${FINDING} WHERE f.id = $1`, [findingId]);
  return rows[0] ?? null;
}

export interface FindingFilter {
  readonly status?: FindingStatus | undefined;
  /** Time (epoch ms) and id of the last one of the page before. */
  readonly before: readonly [number, string] | null;
  readonly limit: number;
}

/** The newest first. Reads `limit + 1` rows. */
export async function listFindings(db: Queryable, filter: FindingFilter): Promise<FindingRow[]> {
  const { rows } = await db.query<FindingRow>(
    `${FINDING} WHERE ($1::text IS NULL OR f.status = $1)
       AND ($2::bigint IS NULL OR (f.created_at, f.id) < (to_timestamp($2 / 1000.0), $3))
     ORDER BY f.created_at DESC, f.id DESC LIMIT $4`,
    [filter.status ?? null, filter.before?.[0] ?? null, filter.before?.[1] ?? null, filter.limit + 1],
  );
  return rows;
}

/** Where a finding stands, for its workflow. */
export async function readFindingProgress(db: Queryable, findingId: string): Promise<FindingProgress> {
  const row = await readFinding(db, findingId);
  invariant(row !== null, `finding ${findingId} was made`);
  const { status, clicks, reversedClicks: reversed, alreadyReversedClicks: alreadyReversed, decidedBy } = row;
  return { status, clicks, reversed, alreadyReversed, decidedBy };
}

export interface FindingAdvertiser {
  readonly advertiserId: string;
  readonly clicks: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly reversedClicks: number;
}

export const MOST_ADVERTISERS_SHOWN = 100;

/** Whom it touches, the largest amount first. */
export async function listFindingAdvertisers(db: Queryable, findingId: string): Promise<FindingAdvertiser[]> {
  const { rows } = await db.query<FindingAdvertiser>(
    `SELECT advertiser_id AS "advertiserId", count(*) AS clicks, sum(cash_krw)::bigint AS "cashKrw",
       sum(promo_krw)::bigint AS "promoKrw", count(*) FILTER (WHERE state = 'reversed') AS "reversedClicks"
     FROM invalid_click_finding_click WHERE finding_id = $1
     GROUP BY advertiser_id ORDER BY sum(cash_krw + promo_krw) DESC, advertiser_id LIMIT ${MOST_ADVERTISERS_SHOWN}`,
    [findingId],
  );
  return rows;
}

export interface MonthToCorrect {
  readonly taxInvoiceId: string;
  readonly advertiserId: string;
  readonly month: string;
}

/**
 * Invoices that say more than is charged once the finding is carried out: the newest document of the month counts fewer
 * reversals than there are with those to come. What was taken back before the invoice was drafted nets in it, and what a
 * correction says already needs none.
 */
export async function listMonthsToCorrect(db: Queryable, findingId: string): Promise<MonthToCorrect[]> {
  const { rows } = await db.query<MonthToCorrect>(
    `WITH touched AS (
       SELECT c.advertiser_id, date_trunc('month', c.charge_booked_date)::date AS month,
         coalesce(sum(c.cash_krw) FILTER (WHERE c.state = 'pending'), 0) AS to_come
       FROM invalid_click_finding_click c JOIN invalid_click_finding f ON f.id = c.finding_id
       WHERE c.finding_id = $1 AND c.cash_krw > 0 AND (c.state = 'reversed' OR (f.status IN ('waiting', 'reversing')
         AND c.state = 'pending' AND NOT EXISTS (SELECT FROM click_reversal r WHERE r.click_id = c.click_id)))
       GROUP BY 1, 2)
     SELECT i.id AS "taxInvoiceId", i.advertiser_id AS "advertiserId", left(i.month::text, 7) AS month
     FROM touched t JOIN tax_invoice i ON i.advertiser_id = t.advertiser_id AND i.month = t.month AND i.seq = 0
     CROSS JOIN LATERAL (SELECT n.basis_reversed_krw FROM tax_invoice n
       WHERE n.advertiser_id = i.advertiser_id AND n.month = i.month AND n.state <> 'CANCELLED' ORDER BY n.seq DESC LIMIT 1) newest
     WHERE i.state <> 'CANCELLED' AND newest.basis_reversed_krw < t.to_come + (
       SELECT coalesce(sum(r.cash_krw), 0) FROM click_reversal r WHERE r.advertiser_id = t.advertiser_id
         AND r.charge_booked_date >= t.month AND r.charge_booked_date < (t.month + interval '1 month')::date)
     ORDER BY i.advertiser_id, i.month`,
    [findingId],
  );
  return rows;
}
