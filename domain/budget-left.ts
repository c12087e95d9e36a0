import type { BusinessDate } from './business-date.js';
import { type ChargingState, spendableKrw } from './charging.js';

/** A budget with fewer clicks than this left, at the largest price just seen, is near its end. */
const NEAR_END_CLICKS = 20;
/** So is a campaign with less than this part of its daily budget. */
const NEAR_END_PART = 10;

/** What is left of a campaign (the least of daily and total budget) or of an advertiser (its balance). */
export interface FundsLeft {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly leftKrw: number;
  /** Last business date on which this counts; null: until money changes. */
  readonly untilDate: BusinessDate | null;
}

/**
 * Whether ad servers should hear how much is left. Far from the end nobody needs to know, which keeps the signals few
 * however many clicks are charged; twenty clicks are more than what is under way between two transactions.
 */
export function isNearEnd(
  leftKrw: number,
  money: { readonly largestPriceKrw: number; readonly dailyBudgetKrw: number | null },
): boolean {
  if (leftKrw < NEAR_END_CLICKS * money.largestPriceKrw) return true;
  return money.dailyBudgetKrw !== null && leftKrw * NEAR_END_PART < money.dailyBudgetKrw;
}

/** Of the campaigns and advertisers of these clicks, those near their end, as the charges have left them. */
export function fundsNearTheirEnd(
  after: ChargingState,
  clicks: readonly {
    readonly campaignId: string;
    readonly advertiserId: string;
    readonly tokenPriceKrw: number;
  }[],
  moment: { readonly nowMs: number; readonly bookedDate: BusinessDate },
): FundsLeft[] {
  const campaigns = largestPrices(clicks, (click) => click.campaignId);
  const advertisers = largestPrices(clicks, (click) => click.advertiserId);
  const near: FundsLeft[] = [];
  for (const [id, largestPriceKrw] of campaigns) {
    const funds = after.campaigns.get(id);
    if (funds === undefined) continue;
    const dailyKrw = Math.max(0, funds.dailyBudgetKrw - funds.spentTodayKrw);
    const totalKrw = Math.max(0, (funds.totalBudgetKrw ?? Number.POSITIVE_INFINITY) - funds.totalSpentKrw);
    const leftKrw = Math.min(dailyKrw, totalKrw);
    const { dailyBudgetKrw } = funds;
    if (!isNearEnd(leftKrw, { largestPriceKrw, dailyBudgetKrw })) continue;
    near.push({ scope: 'campaign', id, leftKrw, untilDate: totalKrw <= dailyKrw ? null : moment.bookedDate });
  }
  for (const [id, largestPriceKrw] of advertisers) {
    const funds = after.advertisers.get(id);
    if (funds === undefined) continue;
    const leftKrw = spendableKrw(funds, moment.nowMs);
    if (!isNearEnd(leftKrw, { largestPriceKrw, dailyBudgetKrw: null })) continue;
    near.push({ scope: 'advertiser', id, leftKrw, untilDate: null });
  }
  return near;
}

function largestPrices<T extends { readonly tokenPriceKrw: number }>(
  clicks: readonly T[],
  idOf: (click: T) => string,
): Map<string, number> {
  const largest = new Map<string, number>();
  for (const click of clicks) {
    const id = idOf(click);
    largest.set(id, Math.max(largest.get(id) ?? 0, click.tokenPriceKrw));
  }
  return largest;
}
