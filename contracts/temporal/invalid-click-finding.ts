import type { FindingPeriod, FindingStatus, FindingVerdict } from '../../domain/invalid-click-finding.js';

/** Names and types only. Inputs and histories carry ids and counts: no device, no address, no money of a person. */
export const invalidClickReversalId = (findingId: string) => `invalid-click-reversal:${findingId}`;

export const INVALID_CLICK_REVERSAL = {
  workflowType: 'invalidClickReversal',
  /** Update; answers at once whether the decision was taken. */
  decide: 'decide',
  /** Signals with the same meaning, for an admin with the Temporal CLI: one argument, FindingSignal. */
  confirm: 'confirm',
  withdraw: 'withdraw',
  /** Query. */
  state: 'state',
} as const;

export interface InvalidClickReversalInput {
  readonly findingId: string;
}

export interface FindingDecision {
  /** Names the act: a repeated id gets the first answer. */
  readonly commandId: string;
  readonly verdict: FindingVerdict;
  readonly actorId: string;
}

/** What a person types behind `temporal workflow signal --input`. */
export interface FindingSignal {
  readonly actorId: string;
}

export type FindingAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: string; readonly why: string };

export interface FindingProgress {
  readonly status: FindingStatus;
  readonly clicks: number;
  readonly reversed: number;
  /** Taken back by somebody else before; nothing moved for them here. */
  readonly alreadyReversed: number;
  readonly decidedBy: string | null;
}

export interface InvalidClickReversalState extends FindingProgress {
  readonly findingId: string;
  /** The last decision by signal that was not taken, and why. */
  readonly ignoredDecision: { readonly by: string; readonly why: string } | null;
}

/** Every activity can be repeated: it finds what it has done before. */
export interface InvalidClickFindingActivities {
  readFinding(input: { findingId: string }): Promise<FindingProgress>;
  /** Asks whether this person may decide, and notes the decision. */
  decideFinding(input: {
    findingId: string;
    verdict: FindingVerdict;
    actorId: string;
    via: 'console' | 'signal';
  }): Promise<FindingAnswer>;
  /** Nobody decided in time. */
  expireFinding(input: { findingId: string }): Promise<void>;
  /** Takes the next clicks back; `left`: how many wait after it. */
  reverseFindingChunk(input: { findingId: string }): Promise<FindingProgress & { readonly left: number }>;
  /** Tells a page of advertisers what came back to them; null: that was the last. */
  tellFindingAdvertisers(input: { findingId: string; after: string }): Promise<{ next: string | null }>;
  /** Ends the finding, and tells finance which tax invoices need a correction. */
  finishFinding(input: { findingId: string }): Promise<void>;
  /** The day that is asked for, or the last one of which every click has arrived. */
  planDailyFinding(input: {
    businessDate?: string;
  }): Promise<FindingPeriod & { readonly businessDate: string }>;
  /** Freezes the bursts of a period, and tells the admins; null: there are none. */
  findBursts(
    period: FindingPeriod,
  ): Promise<{ readonly findingId: string | null; readonly tooMany: boolean }>;
}

/** By schedule, every morning: the rule that needs no names is asked, and its finding waits for an admin. */
export const DAILY_INVALID_CLICKS = {
  workflowType: 'dailyInvalidClicks',
  workflowId: 'daily-invalid-clicks',
} as const;

export interface DailyInvalidClicksInput {
  /** Set by a person who looks at another day. */
  readonly businessDate?: string;
}

export interface DailyInvalidClicks {
  readonly businessDate: string;
  readonly findingIds: readonly string[];
  /** Too many clicks for one finding in so short a time: somebody has to look at them by campaign. */
  readonly notSearched: readonly FindingPeriod[];
}
