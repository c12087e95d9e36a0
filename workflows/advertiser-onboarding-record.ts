import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type {
  AdvertiserOnboardingState,
  OnboardingAnswer,
} from '../contracts/temporal/advertiser-onboarding.js';
import { SEARCH_ATTRIBUTES } from '../contracts/temporal/campaign-lifecycle.js';
import { CommandDesk } from './command-desk.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Answers remembered for callers that repeat a command id. */
const REMEMBERED_ANSWERS = 50;

const phaseKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.phase, SearchAttributeType.KEYWORD);
const reviewStatusKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.reviewStatus, SearchAttributeType.KEYWORD);

/** Everything that the workflow knows. Written by its handlers and steps, read by its query. */
export class OnboardingRecord {
  readonly facts: Mutable<AdvertiserOnboardingState>;
  readonly desk = new CommandDesk<OnboardingAnswer>([], REMEMBERED_ANSWERS);
  /** The newest submission that was told; checked when it is newer than the one checked last. */
  submittedVersion = 0;
  toppedUp = false;
  clockMoved = false;

  constructor(advertiserId: string) {
    this.facts = {
      advertiserId,
      phase: 'checking',
      version: 0,
      findings: [],
      reviewReminders: 0,
      decidedBy: null,
      decidedVia: null,
      rejectionCodes: [],
      ignoredDecision: null,
    };
  }

  get advertiserId(): string {
    return this.facts.advertiserId;
  }

  /** Moves on, and says so where the Temporal UI looks. */
  enter(phase: AdvertiserOnboardingState['phase']): void {
    this.facts.phase = phase;
    this.describe();
  }

  describe(): void {
    const { phase, version } = this.facts;
    upsertSearchAttributes([
      { key: phaseKey, value: phase },
      { key: reviewStatusKey, value: reviewStatusOf(phase) },
    ]);
    setCurrentDetails(`Phase ${phase}, version ${version} of the application.`);
  }

  accepted(): OnboardingAnswer {
    return { accepted: true, phase: this.facts.phase, why: null };
  }

  refused(why: string): OnboardingAnswer {
    return { accepted: false, phase: this.facts.phase, why };
  }

  state(): AdvertiserOnboardingState {
    return { ...this.facts };
  }
}

function reviewStatusOf(phase: AdvertiserOnboardingState['phase']): 'pending' | 'approved' | 'rejected' {
  if (phase === 'checking' || phase === 'in_review') return 'pending';
  return phase === 'rejected' || phase === 'closed' ? 'rejected' : 'approved';
}
