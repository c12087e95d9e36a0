import { ApplicationFailure } from '@temporalio/activity';
import {
  type CampaignActivation,
  type CampaignActivities,
  INVALID_DATA,
} from '../../contracts/temporal/campaign-lifecycle.js';

/** What one campaign's outside says; changed by a test between steps. */
export interface CampaignOutside {
  overdueInMs: number;
  expiresInMs: number;
  endsInMs: number;
  /** Ids of the people who may decide. */
  reviewers: readonly string[];
  acknowledgement: Exclude<CampaignActivation, 'pending'>;
  /** The database takes what a person sends for wrong. */
  refusesData: boolean;
}

export type RecordedCall = readonly [activity: keyof CampaignActivities, input: unknown];

const DAY_MS = 86_400_000;

/**
 * The activity boundary for tests of time and order alone: every call is recorded per campaign, and answered
 * from `outside`. What the real activities do is tested against the real stores.
 */
export class RecordingCampaignActivities {
  readonly #calls = new Map<string, RecordedCall[]>();
  readonly #outside = new Map<string, CampaignOutside>();

  outside(campaignId: string): CampaignOutside {
    const known = this.#outside.get(campaignId);
    if (known !== undefined) return known;
    const fresh: CampaignOutside = {
      overdueInMs: DAY_MS,
      expiresInMs: 60 * DAY_MS,
      endsInMs: 30 * DAY_MS,
      reviewers: ['usr_admin'],
      acknowledgement: 'active',
      refusesData: false,
    };
    this.#outside.set(campaignId, fresh);
    return fresh;
  }

  /** Names of the calls for this campaign, in order. */
  names(campaignId: string): string[] {
    return this.calls(campaignId).map(([name]) => name);
  }

  calls(campaignId: string): readonly RecordedCall[] {
    return this.#calls.get(campaignId) ?? [];
  }

  inputs(campaignId: string, activity: keyof CampaignActivities): unknown[] {
    return this.calls(campaignId).flatMap(([name, input]) => (name === activity ? [input] : []));
  }

  activities(): CampaignActivities {
    const note = (name: keyof CampaignActivities, input: { campaignId: string }): CampaignOutside => {
      const calls = this.#calls.get(input.campaignId) ?? [];
      calls.push([name, input]);
      this.#calls.set(input.campaignId, calls);
      return this.outside(input.campaignId);
    };
    return {
      checkCampaignPolicy: async (input) => {
        note('checkCampaignPolicy', input);
        return { findings: ['tobacco: 담배 (name)'], version: 0 };
      },
      planReview: async (input) => note('planReview', input),
      escalateReview: async (input) => void note('escalateReview', input),
      recordReviewDecision: async (input) => {
        const { reviewers, refusesData } = note('recordReviewDecision', input);
        if (refusesData) throw ApplicationFailure.nonRetryable('invalid byte sequence', INVALID_DATA);
        if (reviewers.includes(input.reviewerId)) return { recorded: true };
        return { recorded: false, why: 'only an admin may decide on campaigns' };
      },
      expireReview: async (input) => void note('expireReview', input),
      closeRejectedCampaign: async (input) => void note('closeRejectedCampaign', input),
      activateCampaign: async (input) => {
        note('activateCampaign', input);
        return { version: input.expectedVersion + 1 };
      },
      applyCampaignChange: async (input) => {
        if (note('applyCampaignChange', input).refusesData)
          throw ApplicationFailure.nonRetryable('invalid byte sequence', INVALID_DATA);
        return { applied: true, version: input.expectedVersion + 1 };
      },
      publishCampaignSnapshot: async (input) => void note('publishCampaignSnapshot', input),
      awaitRankingAcknowledgement: async (input) =>
        note('awaitRankingAcknowledgement', input).acknowledgement,
      planServing: async (input) => note('planServing', input),
    };
  }
}
