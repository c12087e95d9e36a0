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
  /** The user agent names a robot: `api/ad-server/listed-bot`. */
  readonly listedBot: boolean;
  /** Clicks of this device, this one included, in the running minute. */
  readonly deviceClicksPerMinute: number;
  /** Clicks of this IP address, this one included, in the running minute. */
  readonly ipClicksPerMinute: number;
  /** Milliseconds between this click and the newest other of this device on the same ad; null when there is none. */
  readonly sinceSameAdMs: number | null;
}

export const CLICK_TOKEN_LIFE_MS = 30 * 60_000;
/** A shop's retry queue may still deliver a click this long after it happened. */
export const CLICK_DELIVERY_WINDOW_MS = 24 * 3_600_000;
