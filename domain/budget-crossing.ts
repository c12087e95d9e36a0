import { type AlertSettings, DEFAULT_ALERT_SETTINGS, reachedPercent } from './budget-alerts.js';
import type { BusinessDate } from './business-date.js';
import type { CampaignFunds, ChargingState } from './charging.js';
import { isStopActive } from './serving-stop.js';

export type BudgetCrossingKind = 'daily_budget' | 'total_budget';

/** A share of a budget that a charge reached. `basis`: the business day, or the won of the total budget. */
export interface BudgetCrossing {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly kind: BudgetCrossingKind;
  readonly basis: string;
  readonly percent: number;
  readonly budgetKrw: number;
  readonly spentKrw: number;
}

export type CrossingPercents = Pick<AlertSettings, 'dailyBudgetPercents' | 'totalBudgetPercents'>;

/**
 * The shares that were not reached before these charges and are now, lowest first. A budget whose remainder is too
 * small for a click is exhausted: it reaches every share. What a changed budget reaches without any charge is no
 * crossing; the budget monitor sees it when it looks at the row.
 */
export function budgetCrossings(
  before: ChargingState,
  after: ChargingState,
  percentsOf: ReadonlyMap<string, CrossingPercents>,
  bookedDate: BusinessDate,
): BudgetCrossing[] {
  const crossings: BudgetCrossing[] = [];
  for (const [campaignId, now] of after.campaigns) {
    const then = before.campaigns.get(campaignId);
    if (then === undefined || isUntouched(then, now)) continue;
    const percents = percentsOf.get(now.advertiserId) ?? DEFAULT_ALERT_SETTINGS;
    for (const kind of ['daily_budget', 'total_budget'] as const) {
      const reached = sharesOf(kind, now, bookedDate);
      if (reached === null) continue;
      const passed = sharesOf(kind, then, bookedDate);
      const { budgetKrw, spentKrw, basis } = reached;
      const asked = kind === 'daily_budget' ? percents.dailyBudgetPercents : percents.totalBudgetPercents;
      for (const percent of asked) {
        if (!reached.has(percent) || passed?.has(percent)) continue;
        const { advertiserId } = now;
        crossings.push({ campaignId, advertiserId, kind, basis, percent, budgetKrw, spentKrw });
      }
    }
  }
  return crossings;
}

const isUntouched = (then: CampaignFunds, now: CampaignFunds) =>
  then.totalSpentKrw === now.totalSpentKrw && then.stop === now.stop;

function sharesOf(kind: BudgetCrossingKind, funds: CampaignFunds, day: BusinessDate) {
  const budgetKrw = kind === 'daily_budget' ? funds.dailyBudgetKrw : funds.totalBudgetKrw;
  if (budgetKrw === null) return null;
  const spentKrw = kind === 'daily_budget' ? funds.spentTodayKrw : funds.totalSpentKrw;
  const exhausted = isStopActive(funds.stop, day) && funds.stop.reason === `${kind}_exhausted`;
  return {
    budgetKrw,
    spentKrw,
    basis: kind === 'daily_budget' ? day : String(budgetKrw),
    has: (percent: number) => reachedPercent([percent], spentKrw, budgetKrw, exhausted) === percent,
  };
}
