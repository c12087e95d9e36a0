import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import {
  type CampaignLifecycleInput,
  type CampaignLifecycleState,
  type CommandAnswer,
  SEARCH_ATTRIBUTES,
} from '../contracts/temporal/campaign-lifecycle.js';
import { REMEMBERED_ANSWERS, reviewStatusOf } from '../domain/campaign-lifecycle.js';
import { CommandDesk } from './command-desk.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type CampaignFacts = Mutable<Omit<CampaignLifecycleState, 'recentCommandIds'>>;

const phaseKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.phase, SearchAttributeType.KEYWORD);
const reviewStatusKey = defineSearchAttributeKey(SEARCH_ATTRIBUTES.reviewStatus, SearchAttributeType.KEYWORD);

/** Everything that one run of the workflow knows. Written by its handlers and steps, read by its query. */
export class CampaignRecord {
  readonly facts: CampaignFacts;
  readonly desk: CommandDesk<CommandAnswer>;
  /** Submitted again since the last decision was taken. */
  resubmitted = false;
  /** The end date must be planned again. */
  clockMoved = false;

  constructor(input: CampaignLifecycleInput) {
    this.desk = new CommandDesk(input.carried?.answers ?? [], REMEMBERED_ANSWERS);
    this.facts = input.carried ? { ...input.carried.state } : newFacts(input.campaignId);
  }

  get campaignId(): string {
    return this.facts.campaignId;
  }

  /** Moves on, and says so where the Temporal UI looks. */
  enter(phase: CampaignFacts['phase']): void {
    this.facts.phase = phase;
    this.describe();
  }

  describe(): void {
    const { phase, version, activation } = this.facts;
    upsertSearchAttributes([
      { key: phaseKey, value: phase },
      { key: reviewStatusKey, value: reviewStatusOf(phase) },
    ]);
    setCurrentDetails(`Phase ${phase}, serving version ${version}, activation ${activation}.`);
  }

  accepted(): CommandAnswer {
    return { accepted: true, phase: this.facts.phase, version: this.facts.version, why: null };
  }

  refused(why: string): CommandAnswer {
    return { accepted: false, phase: this.facts.phase, version: this.facts.version, why };
  }

  state(): CampaignLifecycleState {
    return { ...this.facts, recentCommandIds: this.desk.answers().map(([commandId]) => commandId) };
  }

  carry(): CampaignLifecycleInput {
    return {
      campaignId: this.campaignId,
      carried: { state: this.state(), answers: this.desk.answers() },
    };
  }
}

function newFacts(campaignId: string): CampaignFacts {
  return {
    campaignId,
    phase: 'checking_policy',
    version: 0,
    publishedVersion: 0,
    activation: 'none',
    policyFindings: [],
    reviewReminders: 0,
    decidedBy: null,
    decidedVia: null,
    rejectionReasons: [],
    ignoredDecision: null,
  };
}
