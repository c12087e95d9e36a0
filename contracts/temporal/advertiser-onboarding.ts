import type { OnboardingPhase, RejectionReason } from '../../domain/advertiser-onboarding.js';
import type { ReviewVerdict } from './campaign-lifecycle.js';

/** Names and types only: imported by workflows, activities and API alike. No zod here. */
export const advertiserOnboardingWorkflowId = (advertiserId: string) =>
  `advertiser-onboarding:${advertiserId}`;

export const ADVERTISER_ONBOARDING = {
  workflowType: 'advertiserOnboarding',
  /** Update; returns at once whether the decision was accepted. */
  submitReview: 'submitReview',
  /** Signals with the same meaning, for an admin with the Temporal CLI: one argument, OnboardingReviewSignal. */
  approve: 'approve',
  reject: 'reject',
  /** Signal: a version of the application was submitted. Also sent with the start. */
  submitted: 'submitted',
  /** Signal: money has arrived. A lost one does no harm: the wallet is looked at every day. */
  toppedUp: 'toppedUp',
  /** Signal: the business clock has moved, so deadlines must be planned again. */
  clockMoved: 'clockMoved',
  /** Query. */
  state: 'state',
} as const;

export interface AdvertiserOnboardingInput {
  readonly advertiserId: string;
}

export interface OnboardingReviewCommand {
  /** Idempotency: a repeated command id gets its first answer. */
  readonly commandId: string;
  readonly verdict: ReviewVerdict;
  /** The submission that the reviewer has read; absent: whichever is in review. */
  readonly version?: number;
  readonly reviewerId: string;
  /** At least one for a rejection: what, in which field, and a sentence for the seller. */
  readonly reasons: readonly RejectionReason[];
}

/** What an admin types behind `temporal workflow signal --input`. */
export interface OnboardingReviewSignal {
  readonly reviewerId: string;
  readonly version?: number;
  readonly reasons?: readonly RejectionReason[];
}

export interface OnboardingAnswer {
  readonly accepted: boolean;
  readonly phase: OnboardingPhase;
  /** Why it was not accepted, as a sentence; null when it was. */
  readonly why: string | null;
}

export interface AdvertiserOnboardingState {
  readonly advertiserId: string;
  readonly phase: OnboardingPhase;
  /** Version of the application that was checked last. */
  readonly version: number;
  /** What the automatic check found, as codes. */
  readonly findings: readonly string[];
  /** Reminders sent to the reviewers since the deadline passed. */
  readonly reviewReminders: number;
  readonly decidedBy: string | null;
  readonly decidedVia: 'update' | 'signal' | 'system' | null;
  readonly rejectionCodes: readonly string[];
  /** The last decision that was not carried out, and why. */
  readonly ignoredDecision: { readonly by: string; readonly why: string } | null;
}

/** What the automatic check leads to. `approved`: by an earlier run. `not_submitted`: there is nothing to review. */
export interface ApplicationCheck {
  readonly outcome: 'review' | 'rejected' | 'approved' | 'not_submitted';
  readonly version: number;
  readonly findings: readonly string[];
}

/** What the workflow asks of the outside. Every function is idempotent. */
export interface AdvertiserOnboardingActivities {
  /** Checksum and registry; stores the registry's own words. Repeated until the registry answers. */
  checkApplication(input: { advertiserId: string }): Promise<ApplicationCheck>;
  planApplicationReview(input: { advertiserId: string }): Promise<{ overdueInMs: number }>;
  escalateApplicationReview(input: {
    advertiserId: string;
    version: number;
    reminder: number;
  }): Promise<void>;
  /** An approval also opens the account. */
  recordApplicationDecision(
    input: OnboardingReviewCommand & { advertiserId: string; via: 'update' | 'signal' },
  ): Promise<{ recorded: true } | { recorded: false; why: string }>;
  planResubmission(input: { advertiserId: string }): Promise<{ closesInMs: number }>;
  /** Nobody corrected a rejected application in time. False: it was submitted at the last moment. */
  closeApplication(input: { advertiserId: string }): Promise<{ closed: boolean }>;
  hasToppedUp(input: { advertiserId: string }): Promise<boolean>;
  inviteToFirstCampaign(input: { advertiserId: string }): Promise<void>;
}
