import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  ParentClosePolicy,
  setHandler,
  startChild,
  uuid4,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import {
  QUARTERLY_TUNING as NAMES,
  type QuarterlyTuningInput,
  type QuarterlyTuningState,
  quarterlyTuningId,
  type TuningAnswer,
  type TuningDecision,
  type TuningSignal,
} from '../contracts/temporal/monitoring.js';
import { isStorableText } from '../domain/storable-text.js';
import { monitoringSteps as steps } from './chunked-run.js';
import { refuse } from './refuse.js';

/** A proposal that nobody decides ends by itself. */
const DECISION_WITHIN = '30 days';

const decideUpdate = defineUpdate<TuningAnswer, [TuningDecision]>(NAMES.decide);
const approveSignal = defineSignal<[TuningSignal]>(NAMES.approve);
const rejectSignal = defineSignal<[TuningSignal]>(NAMES.reject);
const stateQuery = defineQuery<QuarterlyTuningState>(NAMES.state);

type Facts = { -readonly [Field in keyof QuarterlyTuningState]: QuarterlyTuningState[Field] };

/**
 * Proposes ranking parameters from the numbers of a quarter, waits for an admin, publishes what was approved. The
 * scheduled run knows no quarter: it starts `quarterly-tuning:<quarter>`, so that people find it by its name.
 */
export async function quarterlyTuning(input: QuarterlyTuningInput): Promise<QuarterlyTuningState> {
  const facts: Facts = {
    quarter: input.quarter ?? null,
    phase: 'proposing',
    decidedBy: null,
    publishedVersion: null,
    ignoredDecision: null,
  };
  if (input.quarter === undefined) return startForQuarter(facts);
  const { quarter } = input;
  registerHandlers(facts, quarter);
  if (!(await steps.proposeRankingParameters({ quarter }))) return { ...facts, phase: 'nothing_to_propose' };
  facts.phase = 'waiting';
  if (!(await condition(() => facts.phase !== 'waiting', DECISION_WITHIN))) {
    facts.phase = 'expired';
    await steps.expireRankingParameters({ quarter });
  }
  await condition(allHandlersFinished);
  if (facts.publishedVersion !== null) await steps.publishRankingParameters();
  return facts;
}

async function startForQuarter(facts: Facts): Promise<QuarterlyTuningState> {
  const { quarter } = await steps.planMonitoring();
  try {
    await startChild(quarterlyTuning, {
      workflowId: quarterlyTuningId(quarter),
      args: [{ quarter }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return { ...facts, quarter };
}

function registerHandlers(facts: Facts, quarter: string): void {
  setHandler(stateQuery, () => facts);
  setHandler(decideUpdate, (decision) => decide(facts, quarter, decision), {
    validator: (decision) => refuse(refusalOf(decision, facts)),
  });
  const bySignal = async (verdict: 'approve' | 'reject', signal: TuningSignal | undefined) => {
    const named: unknown = signal?.actorId;
    const decision = { commandId: uuid4(), verdict, actorId: typeof named === 'string' ? named : '' };
    const why = refusalOf(decision, facts);
    const answer =
      why === null ? await decide(facts, quarter, decision) : ({ accepted: false, why } as const);
    if (!answer.accepted) facts.ignoredDecision = { by: decision.actorId, why: answer.why };
  };
  setHandler(approveSignal, (signal) => bySignal('approve', signal));
  setHandler(rejectSignal, (signal) => bySignal('reject', signal));
}

function refusalOf(decision: TuningDecision | undefined, facts: Facts): string | null {
  if (decision === undefined || !decision.actorId) return 'a decision names its actor';
  // Asked here: what no store takes would fail in a signal's handler, and end the workflow with it.
  if (!isStorableText(String(decision.actorId))) return 'what was sent cannot be stored';
  if (decision.verdict !== 'approve' && decision.verdict !== 'reject') return 'approve or reject';
  return facts.phase === 'waiting' ? null : `the proposal does not wait for a decision (${facts.phase})`;
}

async function decide(facts: Facts, quarter: string, decision: TuningDecision): Promise<TuningAnswer> {
  const { verdict, actorId } = decision;
  const answer = await steps.decideRankingParameters({ quarter, verdict, actorId });
  if ('refused' in answer) return { accepted: false, why: answer.refused.message };
  facts.decidedBy = actorId;
  facts.publishedVersion = answer.version;
  facts.phase = verdict === 'approve' ? 'approved' : 'rejected';
  return { accepted: true };
}
