import type { Targeting } from '../domain/targeting.js';
import type { Queryable } from '../infra/postgres.js';

export interface PacedCampaign {
  readonly campaignId: string;
  /** The daily budget, or what the total budget leaves of it: the last day of the money is spread, too. */
  readonly dailyBudgetKrw: number;
  readonly spentTodayKrw: number;
  readonly targeting: Pick<Targeting, 'daysOfWeek' | 'hours'>;
}

/** Beyond it the rest is served at full pace, told by a metric: a bound, not a plan. */
export const MOST_PACED_CAMPAIGNS = 50_000;

const FACTS = `c.id AS "campaignId", c.targeting, m.spent AS "spentTodayKrw",
  greatest(1, least(b.daily_budget_krw, m.spent + b.total_budget_krw - b.total_spent_krw)) AS "dailyBudgetKrw"`;

const ROWS = `(SELECT business_date_of(business_now()) AS today OFFSET 0) AS day
  CROSS JOIN campaign c JOIN campaign_budget b ON b.campaign_id = c.id
  CROSS JOIN LATERAL (SELECT CASE WHEN b.spent_date = day.today THEN b.spent_today_krw ELSE 0 END AS spent) AS m`;

/** Evenly spending, and may be served now: enabled, within its dates, not stopped. */
const IS_STEERED = `c.pacing = 'even' AND c.status = 'enabled' AND day.today BETWEEN c.start_date AND c.end_date
  AND NOT EXISTS (SELECT FROM serving_stop s WHERE s.scope = 'campaign' AND s.id = c.id AND s.stopped
        AND (s.until_date IS NULL OR s.until_date >= day.today))
  AND NOT EXISTS (SELECT FROM serving_stop s WHERE s.scope = 'advertiser' AND s.id = c.advertiser_id AND s.stopped
        AND (s.until_date IS NULL OR s.until_date >= day.today))`;

export async function readPacedCampaigns(db: Queryable): Promise<PacedCampaign[]> {
  const { rows } = await db.query<PacedCampaign>({
    name: 'read-paced-campaigns',
    text: `SELECT ${FACTS} FROM ${ROWS} WHERE ${IS_STEERED} ORDER BY c.id LIMIT $1`,
    values: [MOST_PACED_CAMPAIGNS],
  });
  return rows;
}

/** One campaign as the budget monitor sees it, steered or not; null before it has a budget. */
export async function readPacedCampaign(
  db: Queryable,
  campaignId: string,
): Promise<(PacedCampaign & { readonly isSteered: boolean }) | null> {
  const { rows } = await db.query<PacedCampaign & { isSteered: boolean }>({
    name: 'read-paced-campaign',
    text: `SELECT ${FACTS}, ${IS_STEERED} AS "isSteered" FROM ${ROWS} WHERE c.id = $1`,
    values: [campaignId],
  });
  return rows[0] ?? null;
}
