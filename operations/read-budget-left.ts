import type { BudgetLeft } from '../contracts/budget-signal.js';
import type { Queryable } from '../infra/postgres.js';

/** What is left now of these campaigns and advertisers, as the charging transaction would tell it. */
export async function readBudgetLeft(
  db: Queryable,
  campaignIds: readonly string[],
  advertiserIds: readonly string[],
): Promise<BudgetLeft[]> {
  const { rows } = await db.query<BudgetLeft>({
    name: 'read-budget-left',
    text: `WITH clock AS MATERIALIZED (SELECT business_now() AS now)
      SELECT 'campaign' AS scope, f.campaign_id AS id, greatest(0, least(f.daily_left, f.total_left)) AS "leftKrw",
             CASE WHEN f.total_left IS NULL OR f.daily_left < f.total_left THEN f.today END AS "untilDate", f.version
        FROM (SELECT b.campaign_id, b.version, business_date_of(clock.now) AS today,
                     b.total_budget_krw - b.total_spent_krw AS total_left,
                     b.daily_budget_krw - CASE WHEN b.spent_date = business_date_of(clock.now) THEN b.spent_today_krw
                       ELSE 0 END AS daily_left
                FROM clock CROSS JOIN campaign_budget b WHERE b.campaign_id = ANY($1)) AS f
      UNION ALL
      SELECT 'advertiser', a.advertiser_id, a.cash_krw + coalesce((SELECT sum(l.remaining_krw)::bigint FROM promo_lot l
               WHERE l.advertiser_id = a.advertiser_id AND l.remaining_krw > 0 AND l.expires_at > clock.now), 0), NULL,
             a.version
        FROM clock CROSS JOIN advertiser_balance a WHERE a.advertiser_id = ANY($2)`,
    values: [campaignIds, advertiserIds],
  });
  return rows;
}
