/** Names and types only: imported by workflows, activities and API alike. No zod here. */
export const TASK_QUEUES = { business: 'business', settlement: 'settlement' } as const;

/** Business ids of workflows: readable in the Temporal UI, and "already started" is success. */
export const campaignWorkflowId = (campaignId: string) => `campaign:${campaignId}`;

export const CAMPAIGN_LIFECYCLE = {
  workflowType: 'campaignLifecycle',
  /** Update; returns at once whether the decision was accepted. */
  submitReview: 'submitReview',
  /** Signals with the same meaning, for an admin with the Temporal CLI: one argument, ReviewSignal. */
  approve: 'approve',
  reject: 'reject',
  /** Updates while serving. */
  pause: 'pause',
  resume: 'resume',
  end: 'end',
  changeBids: 'changeBids',
  changeBudget: 'changeBudget',
  /** Query. */
  state: 'state',
} as const;

export interface CampaignLifecycleInput {
  readonly campaignId: string;
  /** State carried over when the workflow continues as new. */
  readonly carried?: CampaignLifecycleState;
}

export type ReviewVerdict = 'approve' | 'reject';

export interface SubmitReviewCommand {
  /** Idempotency: a repeated command id gets its first answer. */
  readonly commandId: string;
  readonly verdict: ReviewVerdict;
  readonly reviewerId: string;
  readonly reasons: readonly string[];
}

/** What an admin types behind `temporal workflow signal --input`. */
export interface ReviewSignal {
  readonly reviewerId: string;
  readonly reasons?: readonly string[];
}

export interface SetStatusCommand {
  readonly commandId: string;
  readonly actorId: string;
}
export interface ChangeBidsCommand extends SetStatusCommand {
  readonly bids: readonly { readonly placement: string; readonly maxCpcKrw: number }[];
}
export interface ChangeBudgetCommand extends SetStatusCommand {
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
}

export type CampaignPhase =
  | 'checking_policy'
  | 'in_review'
  | 'rejected'
  | 'activating'
  | 'serving'
  | 'paused'
  | 'ended';

export interface CampaignLifecycleState {
  readonly campaignId: string;
  readonly phase: CampaignPhase;
  readonly version: number;
  /** How the ranking answered the newest version. */
  readonly activation: 'none' | 'pending' | 'active' | 'active_below_shown_range' | 'not_acknowledged';
  readonly policyFindings: readonly string[];
  readonly decidedBy: string | null;
  readonly decidedVia: 'update' | 'signal' | null;
  readonly rejectionReasons: readonly string[];
  /** The last decision that was not carried out, and why. */
  readonly ignoredDecision: { readonly by: string; readonly why: string } | null;
  readonly recentCommandIds: readonly string[];
}

export interface CommandAnswer {
  readonly accepted: boolean;
  readonly phase: CampaignPhase;
  readonly version: number;
}
