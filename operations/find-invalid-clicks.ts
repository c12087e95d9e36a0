import type { BusinessDate } from '../domain/business-date.js';
import { isClickId, issuedMonthOf } from '../domain/click-id.js';
import {
  BURST_WINDOW_MS,
  DEFAULT_CLICKS_PER_HOUR,
  type FindingCriteria,
  type LateRule,
  MOST_CLICKS_OF_A_FINDING,
  placesOf,
} from '../domain/invalid-click-finding.js';
import { err, type Failure, invariant, ok, type Result } from '../domain/result.js';
import { type Queryable, sqlStateOf } from '../infra/postgres.js';

/** A charged click that nobody has taken back. */
export interface FoundClick {
  readonly clickId: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly chargeBookedDate: BusinessDate;
  readonly cashKrw: number;
  readonly promoKrw: number;
}

const COLUMNS = `c.click_id AS "clickId", c.advertiser_id AS "advertiserId", c.campaign_id AS "campaignId",
  c.booked_date AS "chargeBookedDate", c.cash_krw AS "cashKrw", c.promo_krw AS "promoKrw"`;
const STILL_CHARGED = `c.outcome = 'charged' AND NOT EXISTS (SELECT FROM click_reversal r WHERE r.click_id = c.click_id)`;
const IN_ORDER = `ORDER BY "advertiserId", "clickId" LIMIT ${MOST_CLICKS_OF_A_FINDING + 1}`;

const TOO_MUCH: Failure = {
  code: 'finding_too_large',
  message: `A finding has at most ${MOST_CLICKS_OF_A_FINDING} clicks.`,
  nextStep: 'Look at it in parts: a shorter period, or one campaign or device after the other.',
};

const TOO_LONG: Failure = {
  ...TOO_MUCH,
  message: 'The period holds more clicks than can be looked through.',
};

/** What a rule finds now. Failures: `finding_too_large`, `clicks_not_charged`, `nothing_found`. */
export async function findInvalidClicks(
  db: Queryable,
  rule: LateRule,
  criteria: FindingCriteria,
): Promise<Result<FoundClick[]>> {
  try {
    const found = await search(db, rule, criteria);
    if (!found.ok) return found;
    if (found.value.length > MOST_CLICKS_OF_A_FINDING) return err(TOO_MUCH);
    return found.value.length === 0 ? err(NOTHING_FOUND) : found;
  } catch (error) {
    if (sqlStateOf(error) === STATEMENT_TIMED_OUT) return err(TOO_LONG);
    throw error;
  }
}

const STATEMENT_TIMED_OUT = '57014';

const NOTHING_FOUND: Failure = {
  code: 'nothing_found',
  message: 'No charged click matches, or all of them were taken back already.',
  nextStep: 'Look at the clicks of the campaign or device, and name another period.',
};

async function search(
  db: Queryable,
  rule: LateRule,
  criteria: FindingCriteria,
): Promise<Result<FoundClick[]>> {
  if (criteria.clickIds.length > 0) return searchNamed(db, criteria.clickIds);
  const { fromMs, toMs } = criteria;
  invariant(fromMs !== null && toMs !== null, 'a search has its period');
  const period = { fromMs, toMs };
  if (rule === 'device_burst_late') return ok(await searchBursts(db, criteria, period));
  return ok(await searchPeriod(db, criteria, period));
}

/** All of them, or none: a mistyped id must not make a finding quietly smaller. */
async function searchNamed(db: Queryable, clickIds: readonly string[]): Promise<Result<FoundClick[]>> {
  const ids = [...new Set(clickIds)].filter(isClickId);
  const { rows } = await db.query<FoundClick>(
    `SELECT ${COLUMNS} FROM click_charge c
     WHERE c.click_id = ANY($1::uuid[]) AND c.issued_month = ANY($2::date[]) AND ${STILL_CHARGED} ${IN_ORDER}`,
    [ids, [...new Set(ids.map(issuedMonthOf))]],
  );
  const found = new Set(rows.map((row) => row.clickId));
  const missing = clickIds.filter((id) => !found.has(id));
  if (missing.length === 0) return ok(rows);
  return err({
    code: 'clicks_not_charged',
    message: `${missing.length} of these are no charged clicks, or were taken back: ${missing.slice(0, 5).join(', ')}.`,
    nextStep: 'Leave them out.',
    field: 'body.clickIds',
  });
}

interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

const iso = (epochMs: number) => new Date(epochMs).toISOString();

async function searchPeriod(db: Queryable, criteria: FindingCriteria, period: Period): Promise<FoundClick[]> {
  const { deviceHashes, ipHashes, campaignId } = criteria;
  const { months, bookedFrom } = placesOf(period.fromMs, period.toMs);
  const { rows } = await db.query<FoundClick>(
    `SELECT ${COLUMNS} FROM click_charge c
     WHERE c.issued_month = ANY($1::date[]) AND c.booked_date >= $2 AND c.clicked_at >= $3 AND c.clicked_at < $4
       AND ($5::text IS NULL OR c.campaign_id = $5)
       AND (cardinality($6::text[]) + cardinality($7::text[]) = 0 OR c.device_hash = ANY($6) OR c.ip_hash = ANY($7))
       AND ${STILL_CHARGED} ${IN_ORDER}`,
    [months, bookedFrom, iso(period.fromMs), iso(period.toMs), campaignId, deviceHashes, ipHashes],
  );
  return rows;
}

/**
 * Clicks beyond the first N of their device in the hour that ends with them: `(t − 1 h, t]`, so a click exactly an hour
 * older does not count. Every click of the device counts, on whatever campaign and however it ended; charged ones are
 * found. The time is the click's own: clicks that a shop's queue delivers late are no burst. At one time they come in
 * the order of their ids, since a shop may tell whole seconds: the first N are left there, too.
 */
async function searchBursts(db: Queryable, criteria: FindingCriteria, period: Period): Promise<FoundClick[]> {
  const { deviceHashes, campaignId, clicksPerHour } = criteria;
  const lookBackMs = period.fromMs - BURST_WINDOW_MS;
  const { months, bookedFrom } = placesOf(lookBackMs, period.toMs);
  const { rows } = await db.query<FoundClick>(
    `WITH seen AS (
       SELECT c.*, count(*) OVER (PARTITION BY c.device_hash ORDER BY c.clicked_at
           RANGE BETWEEN interval '${BURST_WINDOW_MS - 1} milliseconds' PRECEDING AND CURRENT ROW)
         - count(*) OVER at_once + row_number() OVER (at_once ORDER BY c.click_id) AS in_hour
       FROM click_charge c
       WHERE c.issued_month = ANY($1::date[]) AND c.booked_date >= $2 AND c.clicked_at >= $3 AND c.clicked_at < $5
         AND (cardinality($6::text[]) = 0 OR c.device_hash = ANY($6))
       WINDOW at_once AS (PARTITION BY c.device_hash, c.clicked_at))
     SELECT ${COLUMNS} FROM seen c
     WHERE c.in_hour > $7 AND c.clicked_at >= $4 AND ($8::text IS NULL OR c.campaign_id = $8) AND ${STILL_CHARGED} ${IN_ORDER}`,
    [
      months,
      bookedFrom,
      iso(lookBackMs),
      iso(period.fromMs),
      iso(period.toMs),
      deviceHashes,
      clicksPerHour ?? DEFAULT_CLICKS_PER_HOUR,
      campaignId,
    ],
  );
  return rows;
}
