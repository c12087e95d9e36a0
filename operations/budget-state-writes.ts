import type { BudgetState } from '../domain/budget-alerts.js';
import { type Column, insertRows, type Queryable } from '../infra/postgres.js';
import type { BusinessMoment, WatchedBalance, WatchedBudget } from './budget-state-reads.js';

export interface SeenBudget extends WatchedBudget {
  readonly state: BudgetState;
  readonly remainingKrw: number;
  readonly runsOutAtMs: number | null;
}

export interface SeenBalance extends WatchedBalance {
  readonly thresholdKrw: number | null;
}

const BUDGET_COLUMNS: readonly Column[] = [
  ['campaign_id', 'text'],
  ['advertiser_id', 'text'],
  ['state', 'text'],
  ['business_date', 'date'],
  ['daily_budget_krw', 'bigint'],
  ['spent_today_krw', 'bigint'],
  ['remaining_today_krw', 'bigint'],
  ['total_budget_krw', 'bigint'],
  ['total_spent_krw', 'bigint'],
  ['runs_out_at', 'timestamptz'],
  ['told_daily_percent', 'integer'],
  ['told_total_percent', 'integer'],
  ['budget_version', 'bigint'],
  ['stop_version', 'bigint'],
  ['updated_at', 'timestamptz'],
];

const set = (columns: readonly Column[], key: string) =>
  columns
    .filter(([name]) => name !== key)
    .map(([name]) => `${name} = excluded.${name}`)
    .join(', ');

/** The caller holds the locks of the advertisers' `balance_state`; each write raises the row's version. */
export async function writeBudgetStates(
  client: Queryable,
  budgets: readonly SeenBudget[],
  { now, today }: BusinessMoment,
): Promise<void> {
  const rows = budgets.map((budget) => [
    budget.campaignId,
    budget.advertiserId,
    budget.state,
    today,
    budget.dailyBudgetKrw,
    budget.spentTodayKrw,
    budget.remainingKrw,
    budget.totalBudgetKrw,
    budget.totalSpentKrw,
    budget.runsOutAtMs === null ? null : new Date(budget.runsOutAtMs).toISOString(),
    budget.toldDailyPercent,
    budget.toldTotalPercent,
    budget.budgetVersion,
    budget.stopVersion,
    new Date(now).toISOString(),
  ]);
  const suffix = `ON CONFLICT (campaign_id) DO UPDATE SET ${set(BUDGET_COLUMNS, 'campaign_id')},
    version = campaign_budget_state.version + 1`;
  await insertRows(client, 'campaign_budget_state', BUDGET_COLUMNS, rows, suffix);
}

const BALANCE_COLUMNS: readonly Column[] = [
  ['advertiser_id', 'text'],
  ['level', 'text'],
  ['balance_krw', 'bigint'],
  ['threshold_krw', 'bigint'],
  ['episode', 'bigint'],
  ['auto_top_up', 'text'],
  ['balance_version', 'bigint'],
  ['stop_version', 'bigint'],
  ['checked_date', 'date'],
  ['updated_at', 'timestamptz'],
];

export async function writeBalanceStates(
  client: Queryable,
  balances: readonly SeenBalance[],
  { now, today }: BusinessMoment,
): Promise<void> {
  const rows = balances.map((row) => [
    row.advertiserId,
    row.level,
    row.balanceKrw,
    row.thresholdKrw,
    row.episode,
    row.autoTopUp,
    row.balanceVersion,
    row.stopVersion,
    today,
    new Date(now).toISOString(),
  ]);
  const suffix = `ON CONFLICT (advertiser_id) DO UPDATE SET ${set(BALANCE_COLUMNS, 'advertiser_id')}`;
  await insertRows(client, 'balance_state', BALANCE_COLUMNS, rows, suffix);
}

/** The signal arrived. Nothing else changes: the next look decides whether it is due again. */
export async function markAutoTopUpSignalled(db: Queryable, advertiserId: string): Promise<void> {
  await db.query(
    `UPDATE balance_state SET auto_top_up = 'signalled', auto_top_up_signalled_at = clock_timestamp()
      WHERE advertiser_id = $1 AND auto_top_up = 'due'`,
    [advertiserId],
  );
}
