import {
  type AlertSettings,
  type BalanceLevel,
  type BudgetState,
  balanceLevel,
  budgetState,
  DEFAULT_ALERT_SETTINGS,
  lowBalanceThresholdKrw,
  type ReachedThreshold,
  reachedPercent,
  remainingTodayKrw,
  runsOutAt,
  thresholdToTell,
} from '../domain/budget-alerts.js';
import type { BudgetCrossing } from '../domain/budget-crossing.js';
import { startOfBusinessDate } from '../domain/business-date.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { readAlertSettings } from './alert-settings.js';
import {
  type AutoTopUpSignal,
  type BusinessMoment,
  lockWatchedBalances,
  readBusinessMoment,
  readWatchedBudgets,
  SIGNAL_AGAIN_MS,
  type WatchedBalance,
  type WatchedBudget,
} from './budget-state-reads.js';
import {
  type SeenBalance,
  type SeenBudget,
  writeBalanceStates,
  writeBudgetStates,
} from './budget-state-writes.js';
import { type Notice, notify } from './notify.js';
import { takeBudgetCrossings } from './take-budget-crossings.js';

/** A reached threshold, told or not. */
interface Alert {
  readonly kind: 'daily_budget' | 'total_budget' | 'balance_low' | 'balance_exhausted';
  readonly notice: Notice;
}

export interface WatchResult {
  /** Kinds of the alerts that were told now for the first time. */
  readonly raised: readonly Alert['kind'][];
  /** Whose auto top-up has to be signalled, those of earlier looks included. */
  readonly autoTopUpsDue: readonly string[];
}

/**
 * Looks at the money of these advertisers as PostgreSQL holds it, remembers what was seen, and tells people what
 * crossed a threshold: all in one transaction, so that an alert is told once however often this runs, and in
 * whatever order the events came that asked for it.
 */
export async function watchBudgets(
  pool: DatabasePool,
  advertiserIds: readonly string[],
): Promise<WatchResult> {
  if (advertiserIds.length === 0) return { raised: [], autoTopUpsDue: [] };
  return withRetriedTransaction(pool, async (client) => {
    const moment = await readBusinessMoment(client);
    const watched = await lockWatchedBalances(client, advertiserIds, moment);
    const budgets = await readWatchedBudgets(client, advertiserIds, moment);
    // After the budgets: a charge in between is then seen by its crossing, and by its row at the next look.
    const crossings = await takeBudgetCrossings(client, advertiserIds);
    const settings = await readAlertSettings(client, advertiserIds);
    const settingsOf = (id: string) => settings.get(id) ?? DEFAULT_ALERT_SETTINGS;
    const alerts: Alert[] = [];
    const seenBudgets = budgets.map((budget) =>
      seeBudget(budget, crossings, settingsOf(budget.advertiserId), moment, alerts),
    );
    const seenBalances = watched.map((row) => seeBalance(row, settingsOf(row.advertiserId), alerts));
    await writeBudgetStates(client, seenBudgets, moment);
    await writeBalanceStates(client, seenBalances, moment);
    const raised = await tell(client, alerts);
    const due = seenBalances.filter(({ autoTopUp }) => autoTopUp === 'due');
    return { raised, autoTopUpsDue: due.map((row) => row.advertiserId) };
  });
}

function seeBudget(
  budget: WatchedBudget,
  crossings: readonly BudgetCrossing[],
  settings: AlertSettings,
  { now, today }: BusinessMoment,
  alerts: Alert[],
): SeenBudget {
  const state = budgetState(budget);
  const crossed = crossings.filter(({ campaignId }) => campaignId === budget.campaignId);
  const daily = dailyThreshold(budget, settings, state, today, crossed);
  const total = totalThreshold(budget, settings, state, crossed);
  if (daily.percent > budget.toldDailyPercent) {
    alerts.push({ kind: 'daily_budget', notice: dailyBudgetNotice(budget, daily, today) });
  }
  if (total.percent > budget.toldTotalPercent) {
    alerts.push({ kind: 'total_budget', notice: totalBudgetNotice(budget, total) });
  }
  return {
    ...budget,
    state,
    remainingKrw: remainingTodayKrw(budget),
    runsOutAtMs: runsOutAt(budget, startOfBusinessDate(today), now),
    toldDailyPercent: Math.max(daily.percent, budget.toldDailyPercent),
    toldTotalPercent: Math.max(total.percent, budget.toldTotalPercent),
  };
}

/** A crossing of a day that is over is not told: the daily digest tells how that day ended. */
function dailyThreshold(
  { spentTodayKrw: spentKrw, dailyBudgetKrw: budgetKrw }: WatchedBudget,
  settings: AlertSettings,
  state: BudgetState,
  today: string,
  crossed: readonly BudgetCrossing[],
): ReachedThreshold {
  const exhausted = state === 'daily_exhausted';
  const percent = reachedPercent(settings.dailyBudgetPercents, spentKrw, budgetKrw, exhausted);
  const ofToday = crossed.filter(({ kind, basis }) => kind === 'daily_budget' && basis === today);
  return thresholdToTell({ percent, spentKrw, budgetKrw }, ofToday);
}

function totalThreshold(
  { totalSpentKrw: spentKrw, totalBudgetKrw: budgetKrw }: WatchedBudget,
  settings: AlertSettings,
  state: BudgetState,
  crossed: readonly BudgetCrossing[],
): ReachedThreshold {
  if (budgetKrw === null) return { percent: 0, spentKrw, budgetKrw: 0 };
  const exhausted = state === 'total_exhausted';
  const percent = reachedPercent(settings.totalBudgetPercents, spentKrw, budgetKrw, exhausted);
  const ofTotal = crossed.filter(({ kind }) => kind === 'total_budget');
  return thresholdToTell({ percent, spentKrw, budgetKrw }, ofTotal);
}

/**
 * An episode begins when the balance leaves the good level, and when money came after it was exhausted, however
 * little: whoever was shown again learns of the next end. Each level is told once per episode.
 */
function seeBalance(row: WatchedBalance, settings: AlertSettings, alerts: Alert[]): SeenBalance {
  const thresholdKrw = lowBalanceThresholdKrw(settings, row.spentInAverageDaysKrw);
  const level = balanceLevel(row.balanceKrw, thresholdKrw, row.stoppedByBalance);
  const begins = level !== 'good' && (row.level === 'good' || isRecovery(row.level, level));
  const episode = begins ? row.episode + 1 : row.episode;
  // An advertiser that never had money learns nothing from being told so.
  const hadMoney = row.balanceVersion > 0;
  if (hadMoney && level !== 'good' && level !== row.level && !isRecovery(row.level, level)) {
    alerts.push({ kind: `balance_${level}`, notice: balanceNotice(row, level, episode, thresholdKrw) });
  }
  return { ...row, thresholdKrw, level, episode, autoTopUp: nextAutoTopUp(row) };
}

const isRecovery = (before: BalanceLevel, after: BalanceLevel) => before === 'exhausted' && after === 'low';

function nextAutoTopUp({ balanceKrw, autoTopUpThresholdKrw, autoTopUp, signalledMsAgo }: WatchedBalance) {
  const wanted = autoTopUpThresholdKrw !== null && balanceKrw <= autoTopUpThresholdKrw;
  if (!wanted) return 'none' satisfies AutoTopUpSignal;
  const again = autoTopUp === 'signalled' && (signalledMsAgo ?? SIGNAL_AGAIN_MS) >= SIGNAL_AGAIN_MS;
  return autoTopUp === 'none' || again ? 'due' : autoTopUp;
}

async function tell(client: Queryable, alerts: readonly Alert[]): Promise<Alert['kind'][]> {
  const raised: Alert['kind'][] = [];
  for (const { kind, notice } of alerts) {
    if (await notify(client, notice)) raised.push(kind);
  }
  return raised;
}

const won = (krw: number) => krw.toLocaleString('ko-KR');

function dailyBudgetNotice(budget: WatchedBudget, reached: ReachedThreshold, today: string): Notice {
  const { campaignId, advertiserId } = budget;
  return {
    // The won, too: a budget that was raised at noon and is gone in the evening is news.
    dedupeKey: `budget-alert:daily:${campaignId}:${today}:${budget.dailyBudgetKrw}:${reached.percent}`,
    template: reached.percent === 100 ? 'daily_budget_exhausted' : 'daily_budget_reached',
    to: { advertiserId },
    variables: thresholdVariables(budget, reached),
  };
}

function totalBudgetNotice(budget: WatchedBudget, reached: ReachedThreshold): Notice {
  const { campaignId, advertiserId, totalBudgetKrw } = budget;
  return {
    dedupeKey: `budget-alert:total:${campaignId}:${totalBudgetKrw}:${reached.percent}`,
    template: reached.percent === 100 ? 'total_budget_exhausted' : 'total_budget_reached',
    to: { advertiserId },
    variables: thresholdVariables(budget, reached),
  };
}

const thresholdVariables = (
  { campaignId, campaignName }: WatchedBudget,
  { percent, spentKrw, budgetKrw }: ReachedThreshold,
) => ({
  campaignId,
  campaignName,
  percent: String(percent),
  spentKrw: won(spentKrw),
  budgetKrw: won(budgetKrw),
});

function balanceNotice(
  row: WatchedBalance,
  level: Exclude<BalanceLevel, 'good'>,
  episode: number,
  thresholdKrw: number | null,
): Notice {
  return {
    dedupeKey: `balance-alert:${level}:${row.advertiserId}:${episode}`,
    template: level === 'low' ? 'balance_low' : 'balance_exhausted',
    to: { advertiserId: row.advertiserId },
    variables: { balanceKrw: won(row.balanceKrw), thresholdKrw: won(thresholdKrw ?? 0) },
  };
}
