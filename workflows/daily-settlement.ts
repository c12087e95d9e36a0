import {
  ActivityFailure,
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowFailure,
  defineQuery,
  executeChild,
  ParentClosePolicy,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type DailySettlementInput,
  type DailySettlementState,
  DAILY_SETTLEMENT as NAMES,
  type OpenDay,
  type SettlementStatus,
} from '../contracts/temporal/settlement.js';
import { books } from './settlement-activities.js';

const stateQuery = defineQuery<DailySettlementState>(NAMES.state);
const SCHEDULED = 'schedule';
/** Chunks of one day that are settled at the same time. */
const CHUNKS_AT_ONCE = 4;

/**
 * One settlement of one day. Id `daily-settlement:<date>`, a later run `...:<n>`. Closes the day for ever, settles all
 * advertisers in chunks, reconciles, hashes and publishes. Each step finds what it did before, so a run that was cut off
 * anywhere goes on from there.
 */
export async function dailySettlement(input: DailySettlementInput): Promise<DailySettlementState> {
  const businessDate = input?.businessDate;
  const requestedBy = input?.requestedBy ?? SCHEDULED;
  const { workflowId } = workflowInfo();
  let state: DailySettlementState = {
    businessDate,
    status: 'closing',
    chunks: 0,
    chunksSettled: 0,
    linesHash: null,
    differences: 0,
  };
  setHandler(stateQuery, () => state);
  if (typeof businessDate !== 'string')
    throw ApplicationFailure.nonRetryable('the input names no businessDate', 'invalid_date');
  await books.closeDay({ businessDate, requestedBy });
  const { runNo, ...run } = await books.beginSettlement({ businessDate, workflowId, requestedBy });
  state = { ...state, ...run };
  if (run.status !== 'running') return state;
  const trouble = await settleChunks();
  state = { ...state, ...(await books.finishSettlement({ workflowId, ...trouble })) };
  return state;

  async function settleChunks(): Promise<{ trouble?: string }> {
    const chunks = [...(await books.planSettlementChunks({ businessDate }))];
    state = { ...state, chunks: chunks.length };
    const lane = async () => {
      for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
        const [from, until] = chunk;
        await books.settleChunk({ businessDate, runNo, from, until });
        state = { ...state, chunksSettled: state.chunksSettled + 1 };
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: CHUNKS_AT_ONCE }, lane));
    const broken = lanes.find((one) => one.status === 'rejected');
    return broken === undefined ? {} : { trouble: sentenceOf(broken.reason) };
  }
}

/** The database refused a line or a statement: the figures are wrong, and no repetition makes them right. */
function sentenceOf(error: unknown): string {
  if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure)
    return error.cause.message;
  throw error;
}

/** Every day that is over and not settled yet, the oldest first; a day that fails does not hold up the next. */
export async function settleOpenDays(input: { readonly requestedBy?: string }): Promise<SettledDays> {
  const days = await books.listOpenDays({});
  return settleDays(days, input?.requestedBy ?? SCHEDULED);
}

export type SettledDays = Readonly<Record<string, SettlementStatus>>;

/** Starts a run for each day, or waits for the one that somebody else has started. */
export async function settleDays(days: readonly OpenDay[], requestedBy: string): Promise<SettledDays> {
  const settled: Record<string, SettlementStatus> = {};
  for (const day of days) settled[day.businessDate] = await settleOne(day, requestedBy);
  return settled;
}

async function settleOne(
  { businessDate, workflowId }: OpenDay,
  requestedBy: string,
): Promise<SettlementStatus> {
  try {
    const { status } = await executeChild(dailySettlement, {
      workflowId,
      args: [{ businessDate, requestedBy }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Settlement of ${businessDate}`,
    });
    return status === 'completed' ? 'completed' : 'failed';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return joined(workflowId);
    // The run was ended by a person or refused its start: its day stays open, and the next one gets its turn.
    if (!(error instanceof ChildWorkflowFailure) || CancellationScope.current().consideredCancelled)
      throw error;
    return 'failed';
  }
}

const JOIN_POLL = '2 seconds';
const JOIN_POLLS = 900;

async function joined(workflowId: string): Promise<SettlementStatus> {
  for (let poll = 0; poll < JOIN_POLLS; poll += 1) {
    const status = await books.readSettlementStatus({ workflowId });
    if (status === 'completed' || status === 'failed') return status;
    await sleep(JOIN_POLL);
  }
  return 'failed';
}
