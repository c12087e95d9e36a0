import type { TopUpStatus } from './top-up.js';
import { topUpAmountProblem } from './top-up.js';

export interface AutoTopUpSettings {
  readonly enabled: boolean;
  /** Charged when the balance (cash and promo money) is at or below this. */
  readonly thresholdKrw: number;
  readonly amountKrw: number;
  /** Most that may be charged in one Korean calendar month. */
  readonly monthlyCapKrw: number;
  /** Between two attempts, in business time. */
  readonly cooldownMinutes: number;
}

export const MAX_THRESHOLD_KRW = 50_000_000;
export const MAX_MONTHLY_CAP_KRW = 1_000_000_000;
export const MIN_COOLDOWN_MINUTES = 1;
export const MAX_COOLDOWN_MINUTES = 10_080;
export const FAILURES_UNTIL_OFF = 3;

export interface SettingProblem {
  readonly field: string;
  readonly message: string;
}

/** Every problem of the settings together. */
export function autoTopUpProblems(settings: AutoTopUpSettings): SettingProblem[] {
  const { thresholdKrw, amountKrw, monthlyCapKrw, cooldownMinutes } = settings;
  const problems: SettingProblem[] = [];
  const say = (field: keyof AutoTopUpSettings, message: string) => problems.push({ field, message });
  if (!isWhole(thresholdKrw, 1, MAX_THRESHOLD_KRW)) say('thresholdKrw', `1 to ${MAX_THRESHOLD_KRW} won`);
  const amountProblem = topUpAmountProblem(amountKrw);
  if (amountProblem !== null) say('amountKrw', amountProblem);
  if (!isWhole(monthlyCapKrw, 1, MAX_MONTHLY_CAP_KRW))
    say('monthlyCapKrw', `1 to ${MAX_MONTHLY_CAP_KRW} won`);
  else if (monthlyCapKrw < amountKrw) say('monthlyCapKrw', 'at least the amount of one top-up');
  if (!isWhole(cooldownMinutes, MIN_COOLDOWN_MINUTES, MAX_COOLDOWN_MINUTES))
    say('cooldownMinutes', `${MIN_COOLDOWN_MINUTES} to ${MAX_COOLDOWN_MINUTES} minutes`);
  return problems;
}

const isWhole = (value: number, least: number, most: number) =>
  Number.isSafeInteger(value) && value >= least && value <= most;

/** What the database knows at one moment, under the lock of the advertiser's settings. */
export interface AutoTopUpFacts {
  readonly settings: AutoTopUpSettings;
  readonly advertiserIsActive: boolean;
  readonly hasBillingMethod: boolean;
  readonly balanceKrw: number;
  /** Charged in this calendar month, or being charged. */
  readonly chargedThisMonthKrw: number;
  /** Business time, epoch milliseconds. */
  readonly nowMs: number;
  readonly lastAttemptAtMs: number | null;
  /** A charge that was begun and whose end is not known. */
  readonly unfinished: { readonly topUpId: string; readonly status: TopUpStatus } | null;
}

export type AutoTopUpDecision =
  | { readonly kind: 'idle'; readonly why: AutoTopUpRest }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'resume'; readonly topUpId: string }
  | { readonly kind: 'charge' };
export type AutoTopUpRest =
  | 'off'
  | 'advertiser_not_active'
  | 'no_billing_method'
  | 'balance_above_threshold'
  | 'monthly_cap_reached';

/** An unfinished charge is always finished first: its money may have left the card. */
export function decideAutoTopUp(facts: AutoTopUpFacts): AutoTopUpDecision {
  const { settings, unfinished, lastAttemptAtMs, nowMs } = facts;
  if (unfinished !== null) return { kind: 'resume', topUpId: unfinished.topUpId };
  if (!settings.enabled) return rest('off');
  if (!facts.advertiserIsActive) return rest('advertiser_not_active');
  if (!facts.hasBillingMethod) return rest('no_billing_method');
  if (facts.balanceKrw > settings.thresholdKrw) return rest('balance_above_threshold');
  if (facts.chargedThisMonthKrw + settings.amountKrw > settings.monthlyCapKrw)
    return rest('monthly_cap_reached');
  const againAt = lastAttemptAtMs === null ? nowMs : lastAttemptAtMs + settings.cooldownMinutes * 60_000;
  return againAt > nowMs ? { kind: 'wait', waitMs: againAt - nowMs } : { kind: 'charge' };
}

const rest = (why: AutoTopUpRest): AutoTopUpDecision => ({ kind: 'idle', why });
