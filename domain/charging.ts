import type { BusinessDate } from './business-date.js';
import type { ClickOutcome, ClickReason, ClickSignals } from './click-outcome.js';
import { invalidClickReason } from './invalid-click-rules.js';
import { type Krw, toKrw, ZERO_KRW } from './money.js';
import { invariant } from './result.js';
import { isStronger, type MoneyStopReason, type StopState } from './serving-stop.js';

/** Promo money of one grant. Spent by earliest expiry, then lot id; never at or after `expiresAtMs`. */
export interface PromoLot {
  readonly lotId: number;
  readonly remainingKrw: Krw;
  readonly expiresAtMs: number;
}

export interface AdvertiserFunds {
  readonly cashKrw: Krw;
  readonly lots: readonly PromoLot[];
  readonly stop: StopState | null;
}

export interface CampaignFunds {
  readonly advertiserId: string;
  readonly dailyBudgetKrw: Krw;
  /** Spent on the business day that is being charged. */
  readonly spentTodayKrw: Krw;
  readonly totalBudgetKrw: Krw | null;
  readonly totalSpentKrw: Krw;
  readonly stop: StopState | null;
}

/** Everything that a decision depends on, besides the click and the moment. Keyed by id. */
export interface ChargingState {
  readonly advertisers: ReadonlyMap<string, AdvertiserFunds>;
  readonly campaigns: ReadonlyMap<string, CampaignFunds>;
}

export interface ClickToCharge {
  readonly clickId: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly tokenPriceKrw: Krw;
  readonly signals: ClickSignals;
  readonly isOwnAccountDevice: boolean;
}

export interface ChargingMoment {
  readonly nowMs: number;
  readonly bookedDate: BusinessDate;
  /** The lowest price of any click: with less than this left, nothing can be charged any more. */
  readonly floorKrw: Krw;
}

export interface ClickDecision {
  readonly clickId: string;
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly chargedKrw: Krw;
  readonly cashKrw: Krw;
  readonly promoKrw: Krw;
  readonly promoLots: readonly { readonly lotId: number; readonly krw: Krw }[];
}

export interface StopChange {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly stop: StopState;
}

export interface FoldResult {
  readonly state: ChargingState;
  /** One per click, in the same order. */
  readonly decisions: readonly ClickDecision[];
  /** Newly stopped, or stopped for longer; the last word per campaign and advertiser. */
  readonly stops: readonly StopChange[];
}

/** What can be spent at this moment: cash and promo lots that have not expired. */
export function spendableKrw(funds: AdvertiserFunds, nowMs: number): Krw {
  let total: number = funds.cashKrw;
  for (const lot of funds.lots) if (lot.expiresAtMs > nowMs) total += lot.remainingKrw;
  return toKrw(total);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type AdvertiserDraft = Omit<Mutable<AdvertiserFunds>, 'lots'> & { readonly lots: Mutable<PromoLot>[] };
interface Draft {
  readonly advertisers: Map<string, AdvertiserDraft>;
  readonly campaigns: Map<string, Mutable<CampaignFunds>>;
  readonly stops: Map<string, StopChange>;
}

/**
 * Decides clicks in the given order, each against what the ones before it left. A refused click takes nothing, so
 * that a smaller one behind it may still fit (balance 1,000, clicks 900, 200, 100: the 100 is charged). Splitting
 * the clicks anywhere and folding the parts one after the other gives the same result.
 */
export function foldCharges(
  state: ChargingState,
  clicks: readonly ClickToCharge[],
  at: ChargingMoment,
): FoldResult {
  const draft = draftOf(state);
  const decisions = clicks.map((click) => decide(draft, click, at));
  return {
    state: { advertisers: draft.advertisers, campaigns: draft.campaigns },
    decisions,
    stops: [...draft.stops.values()],
  };
}

function draftOf(state: ChargingState): Draft {
  const advertisers: Draft['advertisers'] = new Map();
  for (const [id, funds] of state.advertisers) {
    const lots = [...funds.lots].sort((a, b) => a.expiresAtMs - b.expiresAtMs || a.lotId - b.lotId);
    advertisers.set(id, { ...funds, lots: lots.map((lot) => ({ ...lot })) });
  }
  const campaigns: Draft['campaigns'] = new Map();
  for (const [id, funds] of state.campaigns) campaigns.set(id, { ...funds });
  return { advertisers, campaigns, stops: new Map() };
}

function decide(draft: Draft, click: ClickToCharge, at: ChargingMoment): ClickDecision {
  const funds = draft.advertisers.get(click.advertiserId);
  const campaign = draft.campaigns.get(click.campaignId);
  if (!funds || !campaign || campaign.advertiserId !== click.advertiserId) {
    return refused(click, 'invalid', 'unknown_campaign');
  }
  const invalid = invalidClickReason(click.signals, click.isOwnAccountDevice);
  if (invalid !== null) return refused(click, 'invalid', invalid);
  const [misfit] = limitsBelow(campaign, spendableKrw(funds, at.nowMs), click.tokenPriceKrw);
  const decision =
    misfit === undefined
      ? pay(funds, campaign, click, at)
      : refused(click, misfit === 'balance_exhausted' ? 'no_balance' : 'over_budget', misfit);
  const gone = limitsBelow(campaign, null, at.floorKrw);
  for (const reason of misfit === undefined ? gone : [misfit, ...gone]) {
    stopCampaign(draft, click.campaignId, campaign, reason, at);
  }
  stopAdvertiserBelowFloor(draft, click.advertiserId, funds, at);
  return decision;
}

/** Limits that leave less than `neededKrw`, in the order in which a click is refused by them. Null: any balance. */
export function limitsBelow(
  campaign: Pick<CampaignFunds, 'dailyBudgetKrw' | 'spentTodayKrw' | 'totalBudgetKrw' | 'totalSpentKrw'>,
  balanceKrw: Krw | null,
  neededKrw: Krw,
): MoneyStopReason[] {
  const reasons: MoneyStopReason[] = [];
  if (campaign.dailyBudgetKrw - campaign.spentTodayKrw < neededKrw) reasons.push('daily_budget_exhausted');
  if (campaign.totalBudgetKrw !== null && campaign.totalBudgetKrw - campaign.totalSpentKrw < neededKrw) {
    reasons.push('total_budget_exhausted');
  }
  if (balanceKrw !== null && balanceKrw < neededKrw) reasons.push('balance_exhausted');
  return reasons;
}

/** Promo lots by earliest expiry, then cash. The caller has checked that it fits. */
function pay(
  funds: AdvertiserDraft,
  campaign: Mutable<CampaignFunds>,
  click: ClickToCharge,
  at: ChargingMoment,
): ClickDecision {
  let openKrw: number = click.tokenPriceKrw;
  const promoLots: { lotId: number; krw: Krw }[] = [];
  for (const lot of funds.lots) {
    if (openKrw === 0) break;
    if (lot.expiresAtMs <= at.nowMs || lot.remainingKrw === 0) continue;
    const krw = toKrw(Math.min(lot.remainingKrw, openKrw));
    lot.remainingKrw = toKrw(lot.remainingKrw - krw);
    openKrw -= krw;
    promoLots.push({ lotId: lot.lotId, krw });
  }
  const cashKrw = toKrw(openKrw);
  funds.cashKrw = toKrw(funds.cashKrw - cashKrw);
  invariant(funds.cashKrw >= 0, 'a click is only charged when it fits');
  campaign.spentTodayKrw = toKrw(campaign.spentTodayKrw + click.tokenPriceKrw);
  campaign.totalSpentKrw = toKrw(campaign.totalSpentKrw + click.tokenPriceKrw);
  const promoKrw = toKrw(click.tokenPriceKrw - cashKrw);
  return {
    clickId: click.clickId,
    outcome: 'charged',
    reason: null,
    chargedKrw: click.tokenPriceKrw,
    cashKrw,
    promoKrw,
    promoLots,
  };
}

function refused(click: ClickToCharge, outcome: ClickOutcome, reason: ClickReason): ClickDecision {
  const nothing = { chargedKrw: ZERO_KRW, cashKrw: ZERO_KRW, promoKrw: ZERO_KRW, promoLots: [] };
  return { clickId: click.clickId, outcome, reason, ...nothing };
}

/** A daily stop ends by itself after the booked day; the others stay until the money changes. */
function stopCampaign(
  draft: Draft,
  campaignId: string,
  campaign: Mutable<CampaignFunds>,
  reason: MoneyStopReason,
  at: ChargingMoment,
): void {
  const stop: StopState = { reason, untilDate: reason === 'daily_budget_exhausted' ? at.bookedDate : null };
  if (!isStronger(stop, campaign.stop, at.bookedDate)) return;
  campaign.stop = stop;
  draft.stops.set(`campaign:${campaignId}`, { scope: 'campaign', id: campaignId, stop });
}

function stopAdvertiserBelowFloor(
  draft: Draft,
  advertiserId: string,
  funds: Mutable<AdvertiserFunds>,
  at: ChargingMoment,
): void {
  if (spendableKrw(funds, at.nowMs) >= at.floorKrw) return;
  const stop: StopState = { reason: 'balance_exhausted', untilDate: null };
  if (!isStronger(stop, funds.stop, at.bookedDate)) return;
  funds.stop = stop;
  draft.stops.set(`advertiser:${advertiserId}`, { scope: 'advertiser', id: advertiserId, stop });
}
