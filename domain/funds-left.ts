import { isNearEnd } from './budget-left.js';
import type { BusinessDate } from './business-date.js';
import { type CampaignFunds, type ChargingMoment, type ChargingState, spendableKrw } from './charging.js';

/** What a campaign or an advertiser can still spend. `untilDate`: the last business day for which it says so. */
export interface FundsLeft {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly leftKrw: number;
  readonly untilDate: BusinessDate | null;
}

interface Spender {
  readonly campaignId: string;
  readonly tokenPriceKrw: number;
}

/** Of those whose clicks these are: who is near the end of the money, each once, after the clicks were decided. */
export function fundsNearTheirEnd(
  after: ChargingState,
  clicks: readonly Spender[],
  at: Pick<ChargingMoment, 'nowMs' | 'bookedDate'>,
): FundsLeft[] {
  const near: FundsLeft[] = [];
  const largestOf = new Map<string, number>();
  for (const [campaignId, largestPriceKrw] of largestPrices(clicks)) {
    const campaign = after.campaigns.get(campaignId);
    if (campaign === undefined) continue;
    const { advertiserId, dailyBudgetKrw } = campaign;
    const left = leftOf(campaign, at.bookedDate);
    if (isNearEnd(left.leftKrw, { largestPriceKrw, dailyBudgetKrw })) {
      near.push({ scope: 'campaign', id: campaignId, ...left });
    }
    largestOf.set(advertiserId, Math.max(largestPriceKrw, largestOf.get(advertiserId) ?? 0));
  }
  for (const [id, largestPriceKrw] of largestOf) {
    const funds = after.advertisers.get(id);
    if (funds === undefined) continue;
    const leftKrw = spendableKrw(funds, at.nowMs);
    if (isNearEnd(leftKrw, { largestPriceKrw, dailyBudgetKrw: null })) {
      near.push({ scope: 'advertiser', id, leftKrw, untilDate: null });
    }
  }
  return near;
}

/** The daily budget is whole again tomorrow; the total budget is not. */
function leftOf(campaign: CampaignFunds, today: BusinessDate): Pick<FundsLeft, 'leftKrw' | 'untilDate'> {
  const dailyKrw = Math.max(0, campaign.dailyBudgetKrw - campaign.spentTodayKrw);
  if (campaign.totalBudgetKrw === null) return { leftKrw: dailyKrw, untilDate: today };
  const totalKrw = Math.max(0, campaign.totalBudgetKrw - campaign.totalSpentKrw);
  return dailyKrw < totalKrw
    ? { leftKrw: dailyKrw, untilDate: today }
    : { leftKrw: totalKrw, untilDate: null };
}

function largestPrices(clicks: readonly Spender[]): Map<string, number> {
  const prices = new Map<string, number>();
  for (const { campaignId, tokenPriceKrw } of clicks) {
    if (tokenPriceKrw > (prices.get(campaignId) ?? 0)) prices.set(campaignId, tokenPriceKrw);
  }
  return prices;
}
