import type { ServingStop } from '../contracts/serving-stop.js';
import { invariant } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';
import { lockBudgets, openWallet } from './money-locks.js';
import { takeBookingDay } from './post-ledger.js';
import { settleStops } from './resume-serving.js';

export interface CampaignBudget {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly dailyBudgetKrw: number;
  /** Null: no limit over the campaign's life. */
  readonly totalBudgetKrw: number | null;
  readonly bidFloorKrw?: number;
}

/**
 * Creates or changes the budgets that charging obeys, inside the caller's transaction, and ends the stops that the
 * new budgets lift. A total below what is already spent is the caller's bug (`readTotalSpentKrw` tells beforehand);
 * a daily budget below what is spent today only stops the campaign for the day.
 */
export async function setCampaignBudget(client: Queryable, budget: CampaignBudget): Promise<ServingStop[]> {
  const { campaignId, advertiserId, dailyBudgetKrw, totalBudgetKrw } = budget;
  await openWallet(client, advertiserId);
  const before = (await lockBudgets(client, [campaignId])).get(campaignId);
  invariant(!before || before.advertiserId === advertiserId, `${campaignId} belongs to another advertiser`);
  invariant(
    totalBudgetKrw === null || totalBudgetKrw >= (before?.totalSpentKrw ?? 0),
    `${campaignId} has spent more than its new total budget`,
  );
  const booking = await takeBookingDay(client);
  await client.query(
    `INSERT INTO campaign_budget (campaign_id, advertiser_id, daily_budget_krw, total_budget_krw, spent_date)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (campaign_id) DO UPDATE SET daily_budget_krw = excluded.daily_budget_krw,
       total_budget_krw = excluded.total_budget_krw, version = campaign_budget.version + 1`,
    [campaignId, advertiserId, dailyBudgetKrw, totalBudgetKrw, booking.bookedDate],
  );
  const floor = budget.bidFloorKrw === undefined ? {} : { bidFloorKrw: budget.bidFloorKrw };
  const endsStops = ['daily_budget_exhausted', 'total_budget_exhausted'] as const;
  return settleStops(client, { advertiserId, campaignId, endsStops, ...floor }, booking);
}

/** What the campaign has spent in its life (reversals returned); a total budget may not be set below it. */
export async function readTotalSpentKrw(db: Queryable, campaignId: string): Promise<number> {
  const { rows } = await db.query<{ total_spent_krw: number }>(
    'SELECT total_spent_krw FROM campaign_budget WHERE campaign_id = $1',
    [campaignId],
  );
  return rows[0]?.total_spent_krw ?? 0;
}
