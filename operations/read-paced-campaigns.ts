import type { Targeting } from '../domain/targeting.js';
import type { Queryable } from '../infra/postgres.js';

export interface PacedCampaign {
  readonly campaignId: string;
  readonly dailyBudgetKrw: number;
  readonly spentTodayKrw: number;
  readonly targeting: Pick<Targeting, 'daysOfWeek' | 'hours'>;
}

/** Beyond it the rest is served at full pace, told by a metric: a bound, not a plan. */
export const MOST_PACED_CAMPAIGNS = 50_000;

/** The evenly spending campaigns that may be served now: enabled, within their dates, not stopped. */
export async function readPacedCampaigns(db: Queryable): Promise<PacedCampaign[]> {
  const { rows } = await db.query<PacedCampaign>({
    name: 'read-paced-campaigns',
    text: `WITH day AS MATERIALIZED (SELECT business_date_of(business_now()) AS today)
      SELECT c.id AS "campaignId", b.daily_budget_krw AS "dailyBudgetKrw", c.targeting,
             CASE WHEN b.spent_date = day.today THEN b.spent_today_krw ELSE 0 END AS "spentTodayKrw"
        FROM day CROSS JOIN campaign c JOIN campaign_budget b ON b.campaign_id = c.id
       WHERE c.pacing = 'even' AND c.status = 'enabled' AND day.today BETWEEN c.start_date AND c.end_date
         AND NOT EXISTS (SELECT FROM serving_stop s WHERE s.scope = 'campaign' AND s.id = c.id AND s.stopped
               AND (s.until_date IS NULL OR s.until_date >= day.today))
         AND NOT EXISTS (SELECT FROM serving_stop s WHERE s.scope = 'advertiser' AND s.id = c.advertiser_id AND s.stopped
               AND (s.until_date IS NULL OR s.until_date >= day.today))
       ORDER BY c.id LIMIT $1`,
    values: [MOST_PACED_CAMPAIGNS],
  });
  return rows;
}
