import type { ClickReason, ClickSignals } from './click-outcome.js';

/** Every limit of the rules in one place; what each protects and costs stands in `docs/invalid-clicks.md`. */
export const INVALID_CLICK_THRESHOLDS = {
  /** A second click on the same ad by the same device sooner than this is not charged. */
  doubleClickWithinMs: 10_000,
  /** Clicks of one device in a running minute that are still charged. */
  deviceClicksPerMinute: 20,
  /** Clicks of one address in a running minute that are still charged: many shoppers of a mobile carrier share one. */
  ipClicksPerMinute: 120,
} as const;

/** What is known of a click beyond its event. */
export interface ClickFacts {
  /** The device is signed in to the console of the advertiser that would pay; known from PostgreSQL. */
  readonly isOwnAccountDevice: boolean;
}

export interface InvalidClickRule {
  /** Stored with each click that it refuses, shown to the seller, and never renamed. */
  readonly id: ClickReason;
  /** Rises when the same click would be judged differently. */
  readonly version: number;
  refuses(signals: ClickSignals, facts: ClickFacts): boolean;
}

const { doubleClickWithinMs, deviceClicksPerMinute, ipClicksPerMinute } = INVALID_CLICK_THRESHOLDS;

/** In the order in which they are asked: the first that refuses names the reason. */
export const INVALID_CLICK_RULES = [
  { id: 'expired_token', version: 1, refuses: (signals) => signals.expired },
  { id: 'listed_bot', version: 2, refuses: (signals) => signals.listedBot },
  {
    id: 'double_click',
    version: 2,
    refuses: ({ sinceSameAdMs }) => sinceSameAdMs !== null && sinceSameAdMs < doubleClickWithinMs,
  },
  {
    id: 'device_burst',
    version: 2,
    refuses: (signals) => signals.deviceClicksPerMinute > deviceClicksPerMinute,
  },
  { id: 'ip_burst', version: 2, refuses: (signals) => signals.ipClicksPerMinute > ipClicksPerMinute },
  { id: 'own_account_click', version: 1, refuses: (_signals, facts) => facts.isOwnAccountDevice },
] as const satisfies readonly InvalidClickRule[];

/**
 * The version of all rules together; stored with every outcome. Rises with each of theirs: 1 was the first set; 2
 * has a kept list of robots of our own, counts the addresses of one IPv6 network as one, and counts clicks of a
 * shop's queue at the time when they happened.
 */
export const CLICK_RULES_VERSION = 2;

/** First rule that refuses the click, or null for a valid one. Pure: the same event always gives the same answer. */
export function invalidClickReason(signals: ClickSignals, isOwnAccountDevice: boolean): ClickReason | null {
  const facts = { isOwnAccountDevice };
  for (const rule of INVALID_CLICK_RULES) if (rule.refuses(signals, facts)) return rule.id;
  return null;
}
