import { firstDayAfter, firstDayOf, type Month } from '../domain/tax-month.js';
import type { Queryable } from '../infra/postgres.js';

/** What the invoice of a month is about: cash only, by the month of the charge. */
export interface CampaignMonthSpend {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly name: string;
  readonly chargedKrw: number;
  /** Taken back until now, whenever: it nets in the month of its charge. */
  readonly reversedKrw: number;
}

/** Lines of the first published run of each day. */
export const PUBLISHED_RUNS = `
  SELECT DISTINCT ON (business_date) business_date, run_no FROM settlement_run
  WHERE status = 'completed' ORDER BY business_date, run_no`;

export async function readMonthSpend(
  db: Queryable,
  month: Month,
  advertiserIds: readonly string[],
): Promise<CampaignMonthSpend[]> {
  const { rows } = await db.query<CampaignMonthSpend>(
    `WITH charged AS (
       SELECT l.advertiser_id, l.campaign_id, sum(l.charged_cash_krw) AS krw
       FROM settlement_line l JOIN (${PUBLISHED_RUNS}) p USING (business_date, run_no)
       WHERE l.advertiser_id = ANY($3) AND l.business_date >= $1 AND l.business_date < $2
       GROUP BY l.advertiser_id, l.campaign_id),
     back AS (
       SELECT advertiser_id, campaign_id, sum(cash_krw) AS krw FROM click_reversal
       WHERE advertiser_id = ANY($3) AND charge_booked_date >= $1 AND charge_booked_date < $2
       GROUP BY advertiser_id, campaign_id)
     SELECT advertiser_id AS "advertiserId", campaign_id AS "campaignId", coalesce((SELECT c.name FROM campaign c WHERE c.id = campaign_id), campaign_id) AS name,
       coalesce(charged.krw, 0)::bigint AS "chargedKrw", coalesce(back.krw, 0)::bigint AS "reversedKrw"
     FROM charged FULL JOIN back USING (advertiser_id, campaign_id)
     ORDER BY advertiser_id, campaign_id`,
    [firstDayOf(month), firstDayAfter(month), advertiserIds],
  );
  return rows;
}
