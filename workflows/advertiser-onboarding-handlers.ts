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
  type AdvertiserOnboardingState,
  ADVERTISER_ONBOARDING as NAMES,
  type OnboardingAnswer,
  type OnboardingReviewCommand,
  type OnboardingReviewSignal,
} from '../contracts/temporal/advertiser-onboarding.js';
import { INVALID_DATA, type ReviewVerdict } from '../contracts/temporal/campaign-lifecycle.js';
import { onboardingReviewRefusal } from '../domain/advertiser-onboarding.js';
import { steps } from './advertiser-onboarding-activities.js';
import type { OnboardingRecord } from './advertiser-onboarding-record.js';
import { refuse } from './refuse.js';

const stateQuery = defineQuery<AdvertiserOnboardingState>(NAMES.state);
const submitReviewUpdate = defineUpdate<OnboardingAnswer, [OnboardingReviewCommand]>(NAMES.submitReview);
const approveSignal = defineSignal<[OnboardingReviewSignal | undefined]>(NAMES.approve);
const rejectSignal = defineSignal<[OnboardingReviewSignal | undefined]>(NAMES.reject);
const submittedSignal = defineSignal<[number]>(NAMES.submitted);
const toppedUpSignal = defineSignal(NAMES.toppedUp);
const clockMovedSignal = defineSignal(NAMES.clockMoved);

/** A check takes moments; one that waits for the registry's return is not waited for. */
const CHECK_PATIENCE_MS = 5_000;

/** A decision that comes during the automatic check waits for it: the application is told `in_review` a moment before its workflow knows. */
const comingPhase = ({ facts }: OnboardingRecord) => (facts.phase === 'checking' ? 'in_review' : facts.phase);

export function registerOnboardingHandlers(record: OnboardingRecord): void {
  setHandler(stateQuery, () => record.state());
  setHandler(submittedSignal, (version) => {
    if (Number.isSafeInteger(version) && version > record.submittedVersion) record.submittedVersion = version;
  });
  setHandler(toppedUpSignal, () => {
    record.toppedUp = true;
  });
  setHandler(clockMovedSignal, () => {
    record.clockMoved = true;
  });
  setHandler(
    submitReviewUpdate,
    (command) => record.desk.take(command.commandId, () => decide(record, command, 'update')),
    {
      validator: (command) => {
        refuse(command?.commandId ? null : 'a command needs its commandId');
        if (!record.desk.knows(command.commandId))
          refuse(onboardingReviewRefusal(command, comingPhase(record)));
      },
    },
  );
  setHandler(approveSignal, (signal) => decideBySignal(record, 'approve', signal));
  setHandler(rejectSignal, (signal) => decideBySignal(record, 'reject', signal));
}

/** A signal cannot be answered, so whatever is not carried out stays visible in the query. */
async function decideBySignal(
  record: OnboardingRecord,
  verdict: ReviewVerdict,
  signal: OnboardingReviewSignal | undefined,
): Promise<void> {
  // Whatever was typed behind the signal: text of a thing that has none would fail, and be tried for ever.
  const named: unknown = signal?.reviewerId;
  const reviewerId = typeof named === 'string' ? named : '';
  const version = signal?.version;
  const command = {
    commandId: `signal:${uuid4()}`,
    verdict,
    reviewerId,
    reasons: signal?.reasons ?? [],
    ...(version === undefined ? {} : { version }),
  };
  const answer = await record.desk.take(command.commandId, () => decide(record, command, 'signal'));
  if (!answer.accepted) record.facts.ignoredDecision = { by: reviewerId, why: answer.why ?? '' };
}

/** Asked again here, because another decision may have been taken while this one waited for its turn. */
async function decide(
  record: OnboardingRecord,
  command: OnboardingReviewCommand,
  via: 'update' | 'signal',
): Promise<OnboardingAnswer> {
  const checked = () => record.facts.phase !== 'checking';
  if (!checked()) await condition(checked, CHECK_PATIENCE_MS);
  const refusal = onboardingReviewRefusal(command, record.facts.phase);
  if (refusal !== null) return record.refused(refusal);
  const { advertiserId } = record;
  const result = await orInvalidData(steps.recordApplicationDecision({ ...command, advertiserId, via }));
  if (result === 'invalid_data') return record.refused('what was sent cannot be stored');
  if (!result.recorded) return record.refused(result.why);
  record.facts.decidedBy = command.reviewerId;
  record.facts.decidedVia = via;
  record.facts.rejectionCodes = command.reasons.map(({ code }) => code);
  record.enter(command.verdict === 'approve' ? 'awaiting_top_up' : 'rejected');
  return record.accepted();
}

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
