/** How one accepted click ended. Exactly one of these, for ever (invariant I4). */
export const CLICK_OUTCOMES = ['charged', 'no_balance', 'over_budget', 'invalid'] as const;
export type ClickOutcome = (typeof CLICK_OUTCOMES)[number];

/** Why a click was not charged. Numbered in the order in which the rules are asked. */
export const CLICK_REASONS = [
  'expired_token',
  'listed_bot',
  'double_click',
  'device_burst',
  'ip_burst',
  'own_account_click',
  'daily_budget_exhausted',
  'total_budget_exhausted',
  'balance_exhausted',
  'unknown_campaign',
] as const;
export type ClickReason = (typeof CLICK_REASONS)[number];

/** What the ad server saw of a click, stamped once into the event. Worker rules see only this and PostgreSQL. */
export interface ClickSignals {
  /** Token age when the click arrived, judged by the ad server's clock. */
  readonly tokenAgeMs: number;
  /** Genuine token, but older than it may be. */
  readonly expired: boolean;
  /** User agent is on the kept list of declared robots. */
  readonly listedBot: boolean;
  /** Clicks of this device, this one included, in the running minute. */
  readonly deviceClicksPerMinute: number;
  /** Clicks of this IP address, this one included, in the running minute. */
  readonly ipClicksPerMinute: number;
  /** Milliseconds since this device last clicked the same ad; null when it did not within 10 s. */
  readonly sinceSameAdMs: number | null;
}

/** The version of the invalid-click rules; stored with every outcome. */
export const CLICK_RULES_VERSION = 1;
export const DOUBLE_CLICK_WINDOW_MS = 10_000;
export const DEVICE_CLICKS_PER_MINUTE_LIMIT = 20;
export const IP_CLICKS_PER_MINUTE_LIMIT = 120;
export const CLICK_TOKEN_LIFE_MS = 30 * 60_000;
/** A shop's retry queue may still deliver a click this long after it happened. */
export const CLICK_DELIVERY_WINDOW_MS = 24 * 3_600_000;

/**
 * First rule that refuses the click, or null for a valid one. Pure: the same event always gives the same answer.
 * `isOwnAccountDevice` is known by the worker from PostgreSQL.
 */
export function invalidClickReason(signals: ClickSignals, isOwnAccountDevice: boolean): ClickReason | null {
  if (signals.expired) return 'expired_token';
  if (signals.listedBot) return 'listed_bot';
  if (signals.sinceSameAdMs !== null && signals.sinceSameAdMs < DOUBLE_CLICK_WINDOW_MS) return 'double_click';
  if (signals.deviceClicksPerMinute > DEVICE_CLICKS_PER_MINUTE_LIMIT) return 'device_burst';
  if (signals.ipClicksPerMinute > IP_CLICKS_PER_MINUTE_LIMIT) return 'ip_burst';
  if (isOwnAccountDevice) return 'own_account_click';
  return null;
}
