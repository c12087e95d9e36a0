import { ActivityFailure } from '@temporalio/common';
import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import {
  type CampaignChange,
  type CampaignLifecycleState,
  type ChangeBidsCommand,
  type ChangeBudgetCommand,
  type CommandAnswer,
  INVALID_DATA,
  type MoveBudgetCommand,
  CAMPAIGN_LIFECYCLE as NAMES,
  type ReviewSignal,
  type ReviewVerdict,
  type SetStatusCommand,
  type SubmitReviewCommand,
} from '../contracts/temporal/campaign-lifecycle.js';
import { phaseAfter, refusalOf, reviewRefusal } from '../domain/campaign-lifecycle.js';
import { steps } from './campaign-activities.js';
import type { CampaignRecord } from './campaign-record.js';
import { refuse } from './refuse.js';

export const stateQuery = defineQuery<CampaignLifecycleState>(NAMES.state);
export const submitReviewUpdate = defineUpdate<CommandAnswer, [SubmitReviewCommand]>(NAMES.submitReview);
export const approveSignal = defineSignal<[ReviewSignal]>(NAMES.approve);
export const rejectSignal = defineSignal<[ReviewSignal]>(NAMES.reject);
export const resubmitSignal = defineSignal(NAMES.resubmit);
export const clockMovedSignal = defineSignal(NAMES.clockMoved);
export const pauseUpdate = defineUpdate<CommandAnswer, [SetStatusCommand]>(NAMES.pause);
export const resumeUpdate = defineUpdate<CommandAnswer, [SetStatusCommand]>(NAMES.resume);
export const endUpdate = defineUpdate<CommandAnswer, [SetStatusCommand]>(NAMES.end);
export const changeBidsUpdate = defineUpdate<CommandAnswer, [ChangeBidsCommand]>(NAMES.changeBids);
export const changeBudgetUpdate = defineUpdate<CommandAnswer, [ChangeBudgetCommand]>(NAMES.changeBudget);
export const moveBudgetUpdate = defineUpdate<CommandAnswer, [MoveBudgetCommand]>(NAMES.moveBudget);

export function registerHandlers(record: CampaignRecord): void {
  setHandler(stateQuery, () => record.state());
  setHandler(resubmitSignal, () => {
    record.resubmitted = true;
  });
  setHandler(clockMovedSignal, () => {
    record.clockMoved = true;
  });
  registerReview(record);
  registerChange(record, pauseUpdate, () => ({ kind: 'pause' }));
  registerChange(record, resumeUpdate, () => ({ kind: 'resume' }));
  registerChange(record, endUpdate, () => ({ kind: 'end' }));
  registerChange(record, changeBidsUpdate, ({ bids }) => ({ kind: 'changeBids', bids }));
  registerChange(record, changeBudgetUpdate, ({ dailyBudgetKrw, totalBudgetKrw }) => ({
    kind: 'changeBudget',
    dailyBudgetKrw,
    totalBudgetKrw,
  }));
  registerChange(record, moveBudgetUpdate, ({ byKrw }) => ({ kind: 'moveBudget', byKrw }));
}

/** A decision that comes during the automatic check waits for it, so that nobody has to guess when it is done. */
const comingPhase = ({ facts }: CampaignRecord) =>
  facts.phase === 'checking_policy' ? 'in_review' : facts.phase;

function registerReview(record: CampaignRecord): void {
  setHandler(
    submitReviewUpdate,
    (command) => record.desk.take(command.commandId, () => decide(record, command, 'update')),
    {
      validator: (command) => {
        refuse(command?.commandId ? null : 'a command needs its commandId');
        if (!record.desk.knows(command.commandId)) refuse(reviewRefusal(command, comingPhase(record)));
      },
    },
  );
  setHandler(approveSignal, (signal) => decideBySignal(record, 'approve', signal));
  setHandler(rejectSignal, (signal) => decideBySignal(record, 'reject', signal));
}

/** A signal cannot be answered, so whatever is not carried out stays visible in the query. */
async function decideBySignal(
  record: CampaignRecord,
  verdict: ReviewVerdict,
  signal: ReviewSignal | undefined,
): Promise<void> {
  // Whatever was typed behind the signal: text of a thing that has none would fail, and be tried for ever.
  const named: unknown = signal?.reviewerId;
  const reviewerId = typeof named === 'string' ? named : '';
  const command = {
    commandId: `signal:${uuid4()}`,
    verdict,
    reviewerId,
    reasons: signal?.reasons ?? [],
    rejectedKeywords: signal?.rejectedKeywords ?? [],
  };
  const answer = await record.desk.take(command.commandId, () => decide(record, command, 'signal'));
  if (!answer.accepted) record.facts.ignoredDecision = { by: reviewerId, why: answer.why ?? '' };
}

/** Asked again here, because another decision may have been taken while this one waited for its turn. */
async function decide(
  record: CampaignRecord,
  command: SubmitReviewCommand,
  via: 'update' | 'signal',
): Promise<CommandAnswer> {
  await condition(() => record.facts.phase !== 'checking_policy');
  const refusal = reviewRefusal(command, record.facts.phase);
  if (refusal !== null) return record.refused(refusal);
  record.resubmitted = false;
  const { campaignId } = record;
  const result = await orInvalidData(steps.recordReviewDecision({ ...command, campaignId, via }));
  if (result === 'invalid_data') return record.refused(CANNOT_BE_STORED);
  if (!result.recorded) return record.refused(result.why);
  record.facts.decidedBy = command.reviewerId;
  record.facts.decidedVia = via;
  record.facts.rejectionReasons = command.verdict === 'reject' ? command.reasons : [];
  record.enter(command.verdict === 'approve' ? 'activating' : 'rejected');
  return record.accepted();
}

function registerChange<C extends SetStatusCommand>(
  record: CampaignRecord,
  update: ReturnType<typeof defineUpdate<CommandAnswer, [C]>>,
  changeOf: (command: C) => CampaignChange,
): void {
  const handler = (command: C) =>
    record.desk.take(command.commandId, () => applyChange(record, command.actorId, changeOf(command)));
  setHandler(update, handler, {
    validator: (command: C) => {
      refuse(command?.commandId ? null : 'a command needs its commandId');
      refuse(command.actorId ? null : 'a command names its actor');
      if (!record.desk.knows(command.commandId))
        refuse(refusalOf(changeOf(command).kind, record.facts.phase));
    },
  });
}

const CANNOT_BE_STORED = 'what was sent cannot be stored';

/** A command that the database takes for wrong is refused like any other: a signal must not end the workflow. */
async function orInvalidData<T>(step: Promise<T>): Promise<T | 'invalid_data'> {
  try {
    return await step;
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && cause.type === INVALID_DATA) return 'invalid_data';
    throw error;
  }
}

/** Records the change and its snapshot; the publication follows outside the update, in the serving step. */
export async function applyChange(
  record: CampaignRecord,
  actorId: string | null,
  change: CampaignChange,
): Promise<CommandAnswer> {
  const refusal = refusalOf(change.kind, record.facts.phase);
  if (refusal !== null) return record.refused(refusal);
  const { campaignId, facts } = record;
  const request = { campaignId, actorId, expectedVersion: facts.version, change };
  const result = await orInvalidData(steps.applyCampaignChange(request));
  if (result === 'invalid_data') return record.refused(CANNOT_BE_STORED);
  if (!result.applied) return record.refused(result.why);
  record.facts.version = result.version;
  record.facts.activation = 'pending';
  record.enter(phaseAfter(change.kind, record.facts.phase));
  return record.accepted();
}
