import type { LiveNumbers } from '../contracts/http/monitoring.js';
import { type BalanceLevel, budgetState, remainingTodayKrw, runsOutAt } from '../domain/budget-alerts.js';
import { startOfBusinessDate } from '../domain/business-date.js';
import {
  fillTemplate,
  NOTIFICATION_TEMPLATES,
  type NotificationTemplate,
} from '../domain/notification-templates.js';
import type { Queryable } from '../infra/postgres.js';
import { type BusinessMoment, readBusinessMoment } from './budget-state-reads.js';

/** What an advertiser sees at once: alerts about its money. */
const ALERT_TEMPLATES: readonly NotificationTemplate[] = [
  'daily_budget_reached',
  'daily_budget_exhausted',
  'total_budget_reached',
  'total_budget_exhausted',
  'balance_low',
  'balance_exhausted',
];
const ALERTS_SHOWN = 10;
/** The newest campaigns; whoever has more sees them all in the list of campaigns. */
const CAMPAIGNS_SHOWN = 200;

/** The numbers of these advertisers as PostgreSQL holds them now: four queries, however many advertisers. */
export async function readLiveNumbers(
  db: Queryable,
  advertiserIds: readonly string[],
): Promise<ReadonlyMap<string, LiveNumbers>> {
  const moment = await readBusinessMoment(db);
  const totals = await readTotals(db, advertiserIds, moment);
  const campaigns = groupBy(await readCampaigns(db, advertiserIds, moment));
  const alerts = groupBy(await readAlerts(db, advertiserIds));
  return new Map(
    totals.map(({ advertiserId, ...row }) => [
      advertiserId,
      {
        advertiserId,
        businessDate: moment.today,
        ...row,
        campaigns: (campaigns.get(advertiserId) ?? []).map((campaign) => campaignBody(campaign, moment)),
        alerts: (alerts.get(advertiserId) ?? []).map(alertBody),
      },
    ]),
  );
}

function groupBy<T extends { readonly advertiserId: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.advertiserId);
    if (group) group.push(row);
    else groups.set(row.advertiserId, [row]);
  }
  return groups;
}

interface Totals {
  readonly advertiserId: string;
  readonly balanceKrw: number;
  readonly balanceLevel: BalanceLevel;
  readonly spentTodayKrw: number;
  readonly clicksToday: number;
  readonly conversionsToday: number;
}

async function readTotals(
  db: Queryable,
  advertiserIds: readonly string[],
  { today }: BusinessMoment,
): Promise<Totals[]> {
  const { rows } = await db.query<Totals>({
    name: 'live-totals',
    text: `SELECT a.id AS "advertiserId", coalesce(b.cash_krw + b.promo_krw, 0) AS "balanceKrw",
        coalesce(w.level, 'good') AS "balanceLevel", coalesce(d.spent, 0)::bigint AS "spentTodayKrw",
        coalesce(d.clicks, 0)::bigint AS "clicksToday", coalesce(v.conversions, 0)::bigint AS "conversionsToday"
      FROM unnest($1::text[]) AS a(id)
      LEFT JOIN advertiser_balance b ON b.advertiser_id = a.id
      LEFT JOIN balance_state w ON w.advertiser_id = a.id
      LEFT JOIN LATERAL (SELECT sum(spent_krw) AS spent, sum(charged_clicks) AS clicks FROM campaign_daily_spend s
        WHERE s.advertiser_id = a.id AND s.business_date = $2) d ON true
      LEFT JOIN LATERAL (SELECT count(*) AS conversions FROM attributed_conversion r
        WHERE r.advertiser_id = a.id AND r.converted_at_ms >= $3 AND r.reversed_at_ms IS NULL) v ON true`,
    values: [advertiserIds, today, startOfBusinessDate(today)],
  });
  return rows;
}

interface CampaignRow {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly name: string;
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
  readonly spentTodayKrw: number;
  readonly totalSpentKrw: number;
  readonly stopReason: string | null;
}

async function readCampaigns(
  db: Queryable,
  advertiserIds: readonly string[],
  { today }: BusinessMoment,
): Promise<CampaignRow[]> {
  const { rows } = await db.query<CampaignRow>({
    name: 'live-campaigns',
    text: `SELECT l.* FROM unnest($1::text[]) AS a(id) CROSS JOIN LATERAL (
        SELECT b.advertiser_id AS "advertiserId", b.campaign_id AS "campaignId", coalesce(c.name, b.campaign_id) AS name,
          b.daily_budget_krw AS "dailyBudgetKrw", b.total_budget_krw AS "totalBudgetKrw",
          CASE WHEN b.spent_date = $2 THEN b.spent_today_krw ELSE 0 END AS "spentTodayKrw",
          b.total_spent_krw AS "totalSpentKrw",
          CASE WHEN s.stopped AND (s.until_date IS NULL OR s.until_date >= $2) THEN s.reason END AS "stopReason"
        FROM campaign_budget b LEFT JOIN campaign c ON c.id = b.campaign_id
        LEFT JOIN serving_stop s ON s.scope = 'campaign' AND s.id = b.campaign_id
        WHERE b.advertiser_id = a.id AND coalesce(c.status, 'enabled') <> 'ended'
        ORDER BY b.campaign_id DESC LIMIT $3) l`,
    values: [advertiserIds, today, CAMPAIGNS_SHOWN],
  });
  return rows;
}

function campaignBody(row: CampaignRow, { now, today }: BusinessMoment): LiveNumbers['campaigns'][number] {
  const at = runsOutAt(row, startOfBusinessDate(today), now);
  // To the minute: a projection that differs in every reading would look like news.
  const minute = at === null ? null : new Date(Math.round(at / 60_000) * 60_000).toISOString();
  return {
    campaignId: row.campaignId,
    name: row.name,
    state: budgetState(row),
    spentTodayKrw: row.spentTodayKrw,
    dailyBudgetKrw: row.dailyBudgetKrw,
    remainingTodayKrw: remainingTodayKrw(row),
    runsOutAt: minute,
  };
}

interface AlertRow {
  readonly advertiserId: string;
  readonly id: string;
  readonly template: NotificationTemplate;
  readonly variables: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

async function readAlerts(db: Queryable, advertiserIds: readonly string[]): Promise<AlertRow[]> {
  const { rows } = await db.query<AlertRow>({
    name: 'live-alerts',
    text: `SELECT l.* FROM unnest($1::text[]) AS a(id) CROSS JOIN LATERAL (
        SELECT n.advertiser_id AS "advertiserId", n.id, n.template, n.variables, n.created_at AS "createdAt"
        FROM notification n WHERE n.advertiser_id = a.id AND n.template = ANY($2)
        ORDER BY n.created_at DESC, n.id LIMIT $3) l`,
    values: [advertiserIds, ALERT_TEMPLATES, ALERTS_SHOWN],
  });
  return rows;
}

function alertBody(row: AlertRow): LiveNumbers['alerts'][number] {
  const { subject } = NOTIFICATION_TEMPLATES[row.template].ko;
  return {
    id: row.id,
    template: row.template,
    subject: fillTemplate(subject, row.variables),
    createdAt: row.createdAt.toISOString(),
  };
}
