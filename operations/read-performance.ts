import type { ReportGroup } from '../contracts/http/reports.js';
import { addDays, DAY_MS, SEOUL_OFFSET_MS, startOfBusinessDate } from '../domain/business-date.js';
import type { ReportCounts, ReportRange } from '../domain/performance-report.js';
import { assertNever } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';

export interface PerformanceCounts extends ReportCounts {
  readonly key: string;
  readonly name: string | null;
}

export interface PerformanceQuestion extends ReportRange {
  readonly advertiserId: string;
  readonly groupBy: ReportGroup;
  /** Only keys after this one. */
  readonly afterKey: string | null;
  /** Null: all of them. */
  readonly limit: number | null;
}

/** What a row of each source is grouped by. Days are Korean days; Flink's times are epoch milliseconds. */
function keysOf(group: ReportGroup) {
  const dayOf = (ms: string) =>
    `to_char(to_timestamp((${ms} + ${SEOUL_OFFSET_MS}) / ${DAY_MS} * ${DAY_MS / 1000}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
  switch (group) {
    case 'day':
      return {
        click: `to_char(c.booked_date, 'YYYY-MM-DD')`,
        reversal: `to_char(r.booked_date, 'YYYY-MM-DD')`,
        conversion: dayOf('v.converted_at_ms'),
        performance: dayOf('p.window_start_ms'),
        name: 'NULL::text',
      };
    case 'campaign':
      return sameKey('campaign_id', '(SELECT name FROM campaign WHERE id = key)');
    case 'ad':
      return sameKey(
        'ad_id',
        '(SELECT p.name FROM ad a JOIN product p ON p.id = a.product_id WHERE a.id = key)',
      );
    case 'placement':
      return sameKey('placement', 'NULL::text');
    default:
      return assertNever(group, 'group');
  }
}

const sameKey = (column: string, name: string) => ({
  click: `c.${column}`,
  reversal: `c.${column}`,
  conversion: `v.${column}`,
  performance: `p.${column}`,
  name,
});

/**
 * Counts by key, in the order of keys. Every won comes from `click_charge` and `click_reversal` by their booking day;
 * impressions come from what Flink wrote: final windows, and the newest result of the running one; conversions too, by
 * the rules of an applied replay where there is one.
 */
export async function readPerformance(
  db: Queryable,
  question: PerformanceQuestion,
): Promise<PerformanceCounts[]> {
  const { advertiserId, from, to, groupBy, afterKey, limit } = question;
  const keys = keysOf(groupBy);
  const { rows } = await db.query<PerformanceCounts>(
    `WITH counted AS (
       SELECT ${keys.click} AS key, count(*) FILTER (WHERE c.outcome = 'charged') AS charged,
              count(*) FILTER (WHERE c.outcome = 'invalid') AS invalid,
              count(*) FILTER (WHERE c.outcome IN ('no_balance', 'over_budget')) AS unpaid,
              coalesce(sum(c.token_price_krw) FILTER (WHERE c.outcome IN ('no_balance', 'over_budget')), 0) AS over_krw,
              sum(c.charged_krw) AS spend, 0 AS reversed, 0 AS served, 0 AS viewed, 0 AS direct, 0 AS indirect, 0 AS value
         FROM click_charge c
        WHERE c.advertiser_id = $1 AND c.booked_date BETWEEN $2 AND $3
          AND c.booked_at >= to_timestamp($4 / 1000.0) AND c.booked_at < to_timestamp($5 / 1000.0) GROUP BY 1
       UNION ALL
       SELECT ${keys.reversal}, 0, 0, 0, 0, 0, sum(r.cash_krw + r.promo_krw), 0, 0, 0, 0, 0
         FROM click_reversal r JOIN click_charge c ON c.click_id = r.click_id AND c.issued_month = r.issued_month
        WHERE r.advertiser_id = $1 AND r.booked_date BETWEEN $2 AND $3 GROUP BY 1
       UNION ALL
       SELECT ${keys.conversion}, 0, 0, 0, 0, 0, 0, 0, 0, count(*) FILTER (WHERE v.match = 'direct'),
              count(*) FILTER (WHERE v.match = 'indirect'), sum(v.conversion_value_krw)
         FROM attributed_conversion v
        WHERE v.advertiser_id = $1 AND v.converted_at_ms >= $4 AND v.converted_at_ms < $5 AND v.reversed_at_ms IS NULL
        GROUP BY 1
       UNION ALL
       SELECT ${keys.performance}, 0, 0, 0, 0, 0, 0, sum(p.served_impressions), sum(p.viewed_impressions), 0, 0, 0
         FROM performance_5m p
        WHERE p.advertiser_id = $1 AND p.window_start_ms >= $4 AND p.window_start_ms < $5 GROUP BY 1)
     SELECT key, ${keys.name} AS name, sum(served)::bigint AS "servedImpressions",
            sum(viewed)::bigint AS "viewedImpressions", sum(charged)::bigint AS "chargedClicks",
            sum(invalid)::bigint AS "invalidClicks", sum(unpaid)::bigint AS "unpaidClicks",
            sum(over_krw)::bigint AS "overDeliveryKrw", sum(spend)::bigint AS "spendKrw", sum(reversed)::bigint AS "reversedKrw",
            sum(direct)::bigint AS "directConversions", sum(indirect)::bigint AS "indirectConversions",
            sum(value)::bigint AS "conversionValueKrw"
       FROM counted WHERE $6::text IS NULL OR key COLLATE "C" > $6
      GROUP BY key ORDER BY key COLLATE "C" LIMIT $7`,
    [advertiserId, from, to, startOfBusinessDate(from), startOfBusinessDate(addDays(to, 1)), afterKey, limit],
  );
  return rows;
}

const NOTHING: ReportCounts = {
  servedImpressions: 0,
  viewedImpressions: 0,
  chargedClicks: 0,
  invalidClicks: 0,
  unpaidClicks: 0,
  overDeliveryKrw: 0,
  spendKrw: 0,
  reversedKrw: 0,
  directConversions: 0,
  indirectConversions: 0,
  conversionValueKrw: 0,
};

/** The whole range; placements are few, so their rows are added up here. */
export async function readPerformanceTotals(
  db: Queryable,
  question: ReportRange & { readonly advertiserId: string },
): Promise<ReportCounts> {
  const rows = await readPerformance(db, { ...question, groupBy: 'placement', afterKey: null, limit: null });
  return rows.reduce<ReportCounts>((sum, row) => addCounts(sum, row), NOTHING);
}

function addCounts(a: ReportCounts, b: ReportCounts): ReportCounts {
  return {
    servedImpressions: a.servedImpressions + b.servedImpressions,
    viewedImpressions: a.viewedImpressions + b.viewedImpressions,
    chargedClicks: a.chargedClicks + b.chargedClicks,
    invalidClicks: a.invalidClicks + b.invalidClicks,
    unpaidClicks: a.unpaidClicks + b.unpaidClicks,
    overDeliveryKrw: a.overDeliveryKrw + b.overDeliveryKrw,
    spendKrw: a.spendKrw + b.spendKrw,
    reversedKrw: a.reversedKrw + b.reversedKrw,
    directConversions: a.directConversions + b.directConversions,
    indirectConversions: a.indirectConversions + b.indirectConversions,
    conversionValueKrw: a.conversionValueKrw + b.conversionValueKrw,
  };
}
