import {
  type Client,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import {
  QUARTERLY_TUNING,
  quarterlyTuningId,
  type TuningAnswer,
  type TuningDecision,
} from '../contracts/temporal/monitoring.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';

const CALL_TIMEOUT_MS = 10_000;

/** Tells the quarter's workflow the decision and waits for its answer; the command id makes it safe to repeat. */
export async function decideTuning(
  client: Client,
  quarter: string,
  decision: TuningDecision,
): Promise<Result<null>> {
  const handle = client.workflow.getHandle(quarterlyTuningId(quarter));
  try {
    const answer = await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.executeUpdate<TuningAnswer, [TuningDecision]>(QUARTERLY_TUNING.decide, {
        args: [decision],
        updateId: decision.commandId,
      }),
    );
    return answer.accepted ? ok(null) : err({ code: 'command_refused', message: answer.why });
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    return err(failure);
  }
}

function failureOf(error: unknown): Failure | null {
  if (error instanceof WorkflowNotFoundError) {
    return { code: 'wrong_status', message: 'This proposal does not wait for a decision.' };
  }
  if (error instanceof WorkflowUpdateFailedError) {
    return { code: 'wrong_status', message: error.cause?.message ?? 'This proposal cannot be decided now.' };
  }
  const timedOut = error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError';
  const cause = error instanceof Error ? error.cause : undefined;
  if (!timedOut && !isGrpcServiceError(error) && !isGrpcServiceError(cause)) return null;
  return {
    code: 'dependency_unavailable',
    message: 'The workflow service does not answer.',
    nextStep: 'Try again in a moment with the same Idempotency-Key: nothing is done twice.',
  };
}
