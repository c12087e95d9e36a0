import {
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import {
  type FindingAnswer,
  type FindingDecision,
  type FindingSignal,
  type InvalidClickFindingActivities,
  type InvalidClickReversalInput,
  type InvalidClickReversalState,
  INVALID_CLICK_REVERSAL as NAMES,
} from '../contracts/temporal/invalid-click-finding.js';
import type { FindingVerdict } from '../domain/invalid-click-finding.js';
import { isStorableText } from '../domain/storable-text.js';
import { refuse } from './refuse.js';

/** What nobody confirms was not worth taking back; the finding can be made again. */
const DECISION_WITHIN = '7 days';

const decideUpdate = defineUpdate<FindingAnswer, [FindingDecision]>(NAMES.decide);
const confirmSignal = defineSignal<[FindingSignal]>(NAMES.confirm);
const withdrawSignal = defineSignal<[FindingSignal]>(NAMES.withdraw);
const stateQuery = defineQuery<InvalidClickReversalState>(NAMES.state);

/** PostgreSQL only, a hundred clicks at the most: repeated until the store is back. */
const steps = proxyActivities<InvalidClickFindingActivities>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

type State = { -readonly [Field in keyof InvalidClickReversalState]: InvalidClickReversalState[Field] };

/**
 * One finding, id `invalid-click-reversal:<findingId>`: waits for an admin, takes the frozen clicks back chunk by chunk,
 * tells each advertiser once, ends. Where it stands is read from the finding itself, so that a run that is started
 * again, for whatever reason, goes on and does nothing twice.
 */
export async function invalidClickReversal(
  input: InvalidClickReversalInput,
): Promise<InvalidClickReversalState> {
  const { findingId } = input;
  const state: State = {
    findingId,
    status: 'waiting',
    clicks: 0,
    reversed: 0,
    alreadyReversed: 0,
    decidedBy: null,
    ignoredDecision: null,
  };
  registerHandlers(state);
  const { status, decidedBy, ...counts } = await steps.readFinding({ findingId });
  Object.assign(state, counts);
  // A decision that came meanwhile is newer than what was read.
  if (state.status === 'waiting') Object.assign(state, { status, decidedBy });
  if (state.status === 'waiting' && !(await condition(() => state.status !== 'waiting', DECISION_WITHIN))) {
    await steps.expireFinding({ findingId });
    Object.assign(state, await steps.readFinding({ findingId }));
  }
  if (state.status === 'reversing') await reverseAll(state);
  await condition(allHandlersFinished);
  return state;
}

/** At most a hundred chunks (`MOST_CLICKS_OF_A_FINDING`), so the history stays short. */
async function reverseAll(state: State): Promise<void> {
  const { findingId } = state;
  for (let left = 1; left > 0; ) {
    const { left: waiting, ...progress } = await steps.reverseFindingChunk({ findingId });
    Object.assign(state, progress);
    left = waiting;
  }
  let after: string | null = '';
  while (after !== null) after = (await steps.tellFindingAdvertisers({ findingId, after })).next;
  await steps.finishFinding({ findingId });
  state.status = 'completed';
}

function registerHandlers(state: State): void {
  setHandler(stateQuery, () => state);
  setHandler(decideUpdate, (decision) => decide(state, decision.verdict, decision.actorId, 'console'), {
    validator: (decision) => {
      refuse(decision?.commandId ? null : 'a command needs its commandId');
      refuse(refusalOf(decision.verdict, decision.actorId));
    },
  });
  const bySignal = async (verdict: FindingVerdict, signal: FindingSignal | undefined) => {
    const named: unknown = signal?.actorId;
    const by = typeof named === 'string' ? named : '';
    const refusal = refusalOf(verdict, by);
    const answer =
      refusal === null ? await decide(state, verdict, by, 'signal') : { accepted: false, why: refusal };
    if (!answer.accepted) state.ignoredDecision = { by, why: 'why' in answer ? answer.why : '' };
  };
  setHandler(confirmSignal, (signal) => bySignal('confirm', signal));
  setHandler(withdrawSignal, (signal) => bySignal('withdraw', signal));
}

/** Asked before any activity: what no store takes would fail in a signal's handler, and end the workflow with it. */
function refusalOf(verdict: FindingVerdict, actorId: string): string | null {
  if (verdict !== 'confirm' && verdict !== 'withdraw') return 'confirm or withdraw';
  if (typeof actorId !== 'string' || actorId === '') return 'a decision names its actor';
  return isStorableText(actorId) ? null : 'what was sent cannot be stored';
}

async function decide(
  state: State,
  verdict: FindingVerdict,
  actorId: string,
  via: 'console' | 'signal',
): Promise<FindingAnswer> {
  const answer = await steps.decideFinding({ findingId: state.findingId, verdict, actorId, via });
  if (!answer.accepted) return answer;
  state.decidedBy = actorId;
  if (state.status === 'waiting') state.status = verdict === 'confirm' ? 'reversing' : 'withdrawn';
  return answer;
}
