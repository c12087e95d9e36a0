import type { BalanceLevel } from '../domain/budget-alerts.js';
import { SPEND_AVERAGE_DAYS } from '../domain/budget-alerts.js';
import type { BusinessDate } from '../domain/business-date.js';
import type { Queryable } from '../infra/postgres.js';

export const AUTO_TOP_UP_SIGNALS = ['none', 'due', 'signalled'] as const;
export type AutoTopUpSignal = (typeof AUTO_TOP_UP_SIGNALS)[number];

/** A balance that stays below the threshold is signalled again this often: the first signal may have met a cooldown. */
export const SIGNAL_AGAIN_MS = 600_000;

/** What the monitor saw last, and what PostgreSQL says now. */
export interface WatchedBalance {
  readonly advertiserId: string;
  readonly balanceKrw: number;
  readonly balanceVersion: number;
  readonly stopVersion: number;
  readonly stoppedByBalance: boolean;
  readonly spentInAverageDaysKrw: number;
  /** Balance at which an enabled auto top-up begins; null: none is enabled. */
  readonly autoTopUpThresholdKrw: number | null;
  readonly level: BalanceLevel;
  readonly episode: number;
  readonly autoTopUp: AutoTopUpSignal;
  readonly signalledMsAgo: number | null;
}

export interface WatchedBudget {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly campaignName: string;
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
  readonly spentTodayKrw: number;
  readonly totalSpentKrw: number;
  readonly budgetVersion: number;
  readonly stopVersion: number;
  readonly stopReason: string | null;
  /** The highest percent that was told: today, of this daily budget; of this total budget. */
  readonly toldDailyPercent: number;
  readonly toldTotalPercent: number;
}

export interface BusinessMoment {
  /** Epoch ms. */
  readonly now: number;
  readonly today: BusinessDate;
}

export async function readBusinessMoment(db: Queryable): Promise<BusinessMoment> {
  const { rows } = await db.query<BusinessMoment>(
    `SELECT (extract(epoch FROM t) * 1000)::bigint AS now, business_date_of(t) AS today
       FROM (SELECT business_now() AS t) AS clock`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('business_now() answered nothing');
  return row;
}

/**
 * Locks what the monitor knows of these advertisers (in id order, so that two monitors never tell the same twice and
 * never wait for each other in a circle) and reads the money beside it. Money rows are not locked: charging never waits.
 */
export async function lockWatchedBalances(
  db: Queryable,
  advertiserIds: readonly string[],
  { today }: BusinessMoment,
): Promise<WatchedBalance[]> {
  await db.query(
    `INSERT INTO balance_state (advertiser_id, level, balance_krw, checked_date, updated_at)
     SELECT b.advertiser_id, 'good', b.cash_krw + b.promo_krw, $2, business_now()
       FROM advertiser_balance b WHERE b.advertiser_id = ANY($1) ORDER BY b.advertiser_id
     ON CONFLICT (advertiser_id) DO NOTHING`,
    [advertiserIds, today],
  );
  await db.query(
    'SELECT FROM balance_state WHERE advertiser_id = ANY($1) ORDER BY advertiser_id FOR UPDATE',
    [advertiserIds],
  );
  const { rows } = await db.query<WatchedBalance>(
    `SELECT w.advertiser_id AS "advertiserId", b.cash_krw + b.promo_krw AS "balanceKrw", b.version AS "balanceVersion",
            coalesce(s.version, 0) AS "stopVersion",
            coalesce(s.stopped AND s.reason = 'balance_exhausted', false) OR EXISTS (
              -- A remainder above the floor may still be too small for a campaign's next click.
              SELECT FROM campaign_budget g
                JOIN serving_stop o ON o.scope = 'campaign' AND o.id = g.campaign_id
               WHERE g.advertiser_id = w.advertiser_id AND o.stopped AND o.reason = 'balance_exhausted'
                 AND NOT EXISTS (SELECT FROM campaign c WHERE c.id = g.campaign_id AND c.status = 'ended')
            ) AS "stoppedByBalance",
            (SELECT coalesce(sum(d.spent_krw - d.reversed_krw), 0)::bigint FROM campaign_daily_spend d
              WHERE d.advertiser_id = w.advertiser_id AND d.business_date >= $2::date - $3::int
                AND d.business_date < $2::date) AS "spentInAverageDaysKrw",
            (SELECT a.threshold_krw FROM auto_top_up a WHERE a.advertiser_id = w.advertiser_id AND a.enabled)
              AS "autoTopUpThresholdKrw",
            w.level, w.episode, w.auto_top_up AS "autoTopUp",
            (extract(epoch FROM clock_timestamp() - w.auto_top_up_signalled_at) * 1000)::bigint AS "signalledMsAgo"
       FROM balance_state w JOIN advertiser_balance b ON b.advertiser_id = w.advertiser_id
       LEFT JOIN serving_stop s ON s.scope = 'advertiser' AND s.id = w.advertiser_id
      WHERE w.advertiser_id = ANY($1) ORDER BY w.advertiser_id`,
    [advertiserIds, today, SPEND_AVERAGE_DAYS],
  );
  return rows;
}

/** The budgets of these advertisers as today sees them: a row of an earlier day has spent nothing today. */
export async function readWatchedBudgets(
  db: Queryable,
  advertiserIds: readonly string[],
  { today }: BusinessMoment,
): Promise<WatchedBudget[]> {
  const { rows } = await db.query<WatchedBudget>(
    `SELECT b.campaign_id AS "campaignId", b.advertiser_id AS "advertiserId",
            coalesce(c.name, b.campaign_id) AS "campaignName", b.daily_budget_krw AS "dailyBudgetKrw",
            b.total_budget_krw AS "totalBudgetKrw", b.total_spent_krw AS "totalSpentKrw",
            CASE WHEN b.spent_date = $2 THEN b.spent_today_krw ELSE 0 END AS "spentTodayKrw",
            b.version AS "budgetVersion", coalesce(s.version, 0) AS "stopVersion",
            CASE WHEN s.stopped AND (s.until_date IS NULL OR s.until_date >= $2) THEN s.reason END AS "stopReason",
            CASE WHEN w.business_date = $2 AND w.daily_budget_krw = b.daily_budget_krw THEN w.told_daily_percent
              ELSE 0 END AS "toldDailyPercent",
            CASE WHEN w.total_budget_krw = b.total_budget_krw THEN w.told_total_percent ELSE 0 END AS "toldTotalPercent"
       FROM campaign_budget b
       LEFT JOIN campaign c ON c.id = b.campaign_id
       LEFT JOIN campaign_budget_state w ON w.campaign_id = b.campaign_id
       LEFT JOIN serving_stop s ON s.scope = 'campaign' AND s.id = b.campaign_id
      WHERE b.advertiser_id = ANY($1) ORDER BY b.campaign_id`,
    [advertiserIds, today],
  );
  return rows;
}

/**
 * Advertisers whose money is not as the monitor last saw it: another version of a balance, a budget or a stop, a new
 * day, or an auto top-up that is due. By id after the given one, so that a sweep walks through all of them.
 */
export async function findUnseenAdvertisers(
  db: Queryable,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `WITH day AS (SELECT business_date_of(business_now()) AS today)
     SELECT b.advertiser_id AS id FROM day CROSS JOIN advertiser_balance b
       LEFT JOIN balance_state w ON w.advertiser_id = b.advertiser_id
       LEFT JOIN serving_stop s ON s.scope = 'advertiser' AND s.id = b.advertiser_id
      WHERE b.advertiser_id > $1
        AND (w.balance_version IS DISTINCT FROM b.version OR w.checked_date < day.today
          OR w.stop_version < coalesce(s.version, 0) OR w.auto_top_up = 'due'
          OR EXISTS (SELECT FROM auto_top_up a WHERE a.advertiser_id = b.advertiser_id AND a.enabled
               AND a.threshold_krw >= b.cash_krw + b.promo_krw AND (w.auto_top_up = 'none'
                 OR w.auto_top_up_signalled_at < clock_timestamp() - $3 * interval '1 millisecond'))
          OR EXISTS (SELECT FROM campaign_budget g
               LEFT JOIN campaign_budget_state v ON v.campaign_id = g.campaign_id
               LEFT JOIN serving_stop t ON t.scope = 'campaign' AND t.id = g.campaign_id
              WHERE g.advertiser_id = b.advertiser_id
                AND (v.budget_version IS DISTINCT FROM g.version OR v.stop_version < coalesce(t.version, 0))))
      ORDER BY b.advertiser_id LIMIT $2`,
    [afterId, limit, SIGNAL_AGAIN_MS],
  );
  return rows.map((row) => row.id);
}

/** Valid clicks that nobody could pay, of the running business day: the platform's own cost. */
export async function readOverDelivery(db: Queryable): Promise<{ krw: number; clicks: number }> {
  const { rows } = await db.query<{ krw: number; clicks: number }>(
    `SELECT coalesce(sum(over_delivery_krw), 0)::bigint AS krw, coalesce(sum(over_delivery_clicks), 0)::bigint AS clicks
       FROM campaign_daily_spend WHERE business_date = business_date_of(business_now())`,
  );
  return rows[0] ?? { krw: 0, clicks: 0 };
}
