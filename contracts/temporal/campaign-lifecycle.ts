import type { CampaignPhase } from '../../domain/campaign-lifecycle.js';

export type { CampaignPhase } from '../../domain/campaign-lifecycle.js';

/** Names and types only: imported by workflows, activities and API alike. No zod here. */
export const TASK_QUEUES = {
  business: 'business',
  /** Activities that wait for minutes: they never take the place of one that a person waits for. */
  watching: 'business-watching',
  settlement: 'settlement',
} as const;
/** Type of the failure that an activity reports when the database takes its input for wrong: no retry helps. */
export const INVALID_DATA = 'invalid_data';

/** Business ids of workflows: readable in the Temporal UI, and "already started" is success. */
export const campaignWorkflowId = (campaignId: string) => `campaign:${campaignId}`;

/** Search attributes of all workflows, each of type Keyword. */
export const SEARCH_ATTRIBUTES = {
  advertiserId: 'AdvertiserId',
  campaignId: 'CampaignId',
  phase: 'Phase',
  reviewStatus: 'ReviewStatus',
} as const;

export const CAMPAIGN_LIFECYCLE = {
  workflowType: 'campaignLifecycle',
  /** Update; returns at once whether the decision was accepted. */
  submitReview: 'submitReview',
  /** Signals with the same meaning, for an admin with the Temporal CLI: one argument, ReviewSignal. */
  approve: 'approve',
  reject: 'reject',
  /** Signal: the seller has corrected a rejected campaign and submits it again. Also sent with the start. */
  resubmit: 'resubmit',
  /** Signal: the business clock has moved, so the end date must be planned again. */
  clockMoved: 'clockMoved',
  /** Updates while serving. */
  pause: 'pause',
  resume: 'resume',
  end: 'end',
  changeBids: 'changeBids',
  changeBudget: 'changeBudget',
  /** More or less daily budget than whatever it is then; the total stays. */
  moveBudget: 'moveBudget',
  /** Query. */
  state: 'state',
} as const;

export interface CampaignLifecycleInput {
  readonly campaignId: string;
  /** What a run hands to the next when it continues as new. */
  readonly carried?: CarriedCampaignLifecycle;
}

export interface CarriedCampaignLifecycle {
  readonly state: CampaignLifecycleState;
  /** Oldest first: the first answer of each of the last commands. */
  readonly answers: readonly (readonly [commandId: string, answer: CommandAnswer])[];
}

export type ReviewVerdict = 'approve' | 'reject';

export interface SubmitReviewCommand {
  /** Idempotency: a repeated command id gets its first answer. */
  readonly commandId: string;
  readonly verdict: ReviewVerdict;
  readonly reviewerId: string;
  readonly reasons: readonly string[];
  /** Keywords that may not be served, each with its reason. */
  readonly rejectedKeywords?: readonly RejectedKeyword[];
}

export interface RejectedKeyword {
  readonly keyword: string;
  readonly reason: string;
}

/** What an admin types behind `temporal workflow signal --input`. */
export interface ReviewSignal {
  readonly reviewerId: string;
  readonly reasons?: readonly string[];
  readonly rejectedKeywords?: readonly RejectedKeyword[];
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

export interface MoveBudgetCommand extends SetStatusCommand {
  readonly byKrw: number;
}

/** How the ranking answered the newest version. `none`: nothing published, or nothing to be shown (paused, ended). */
export type CampaignActivation =
  | 'none'
  | 'pending'
  | 'active'
  | 'active_below_shown_range'
  | 'not_acknowledged';

export interface CampaignLifecycleState {
  readonly campaignId: string;
  readonly phase: CampaignPhase;
  /** Newest serving version that was recorded, and the newest that was published to Kafka. */
  readonly version: number;
  readonly publishedVersion: number;
  readonly activation: CampaignActivation;
  readonly policyFindings: readonly string[];
  /** Reminders sent to the reviewers since the deadline passed. */
  readonly reviewReminders: number;
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
  /** Why it was not accepted, as a sentence; null when it was. */
  readonly why: string | null;
}

export type CampaignChange =
  | { readonly kind: 'pause' | 'resume' | 'end' }
  | { readonly kind: 'changeBids'; readonly bids: ChangeBidsCommand['bids'] }
  | {
      readonly kind: 'changeBudget';
      readonly dailyBudgetKrw: number;
      readonly totalBudgetKrw: number | null;
    }
  | { readonly kind: 'moveBudget'; readonly byKrw: number };

export type ChangeResult =
  | { readonly applied: true; readonly version: number }
  | { readonly applied: false; readonly why: string };

/**
 * What the workflow asks of the outside. Every function is idempotent: the workflow is the only writer of a
 * submitted campaign and names the version that it builds on, so a repeated call finds its own result.
 */
export interface CampaignActivities {
  /** Automatic check; the answer also tells the newest serving version that the database knows. */
  checkCampaignPolicy(input: {
    campaignId: string;
  }): Promise<{ findings: readonly string[]; version: number }>;
  /** How long until the review is overdue, and until the campaign's own dates are over. */
  planReview(input: { campaignId: string }): Promise<{ overdueInMs: number; expiresInMs: number }>;
  escalateReview(input: { campaignId: string; reminder: number }): Promise<void>;
  recordReviewDecision(
    input: SubmitReviewCommand & { campaignId: string; via: 'update' | 'signal' },
  ): Promise<{ recorded: true } | { recorded: false; why: string }>;
  /** Nobody decided before the campaign's end date. */
  expireReview(input: { campaignId: string; why: string }): Promise<void>;
  /** Nobody corrected a rejected campaign in time. */
  closeRejectedCampaign(input: { campaignId: string }): Promise<void>;
  /** Budget row, status and the first snapshot (`CAMPAIGN_APPROVED`). */
  activateCampaign(input: { campaignId: string; expectedVersion: number }): Promise<{ version: number }>;
  applyCampaignChange(input: {
    campaignId: string;
    /** null: the end date itself. */
    actorId: string | null;
    expectedVersion: number;
    change: CampaignChange;
  }): Promise<ChangeResult>;
  publishCampaignSnapshot(input: { campaignId: string; version: number }): Promise<void>;
  awaitRankingAcknowledgement(input: {
    campaignId: string;
    version: number;
  }): Promise<Exclude<CampaignActivation, 'pending'>>;
  planServing(input: { campaignId: string }): Promise<{ endsInMs: number }>;
}
