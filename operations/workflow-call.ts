import { isGrpcServiceError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { err, type Failure, ok, type Result } from '../domain/result.js';

export const WORKFLOWS_UNAVAILABLE: Failure = {
  code: 'dependency_unavailable',
  message: 'The workflow service does not answer.',
  nextStep: 'Try again in a moment with the same Idempotency-Key: nothing is done twice.',
};

/**
 * A call to Temporal as a Result: `wrong_status` when nobody waits for it (`nobodyWaits` says so to a person) or when
 * the workflow's validator refuses, `dependency_unavailable` when there is no answer in time. Throws on bugs.
 */
export async function reached<T>(nobodyWaits: string, call: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await call());
  } catch (error) {
    const failure = failureOf(error, nobodyWaits);
    if (failure === null) throw error;
    return err(failure);
  }
}

function failureOf(error: unknown, nobodyWaits: string): Failure | null {
  if (error instanceof WorkflowNotFoundError) return { code: 'wrong_status', message: nobodyWaits };
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const refused = cause instanceof ApplicationFailure && cause.type === 'CommandRefused';
    return refused ? { code: 'wrong_status', message: sentence(cause.message) } : null;
  }
  return isUnreached(error) ? WORKFLOWS_UNAVAILABLE : null;
}

/** No answer, or none in time; what was asked may have been done. */
export function isUnreached(error: unknown): boolean {
  const timedOut = error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError';
  const cause = error instanceof Error ? error.cause : undefined;
  return timedOut || isGrpcServiceError(error) || isGrpcServiceError(cause);
}

/** Field names that begin a sentence keep their spelling. */
export const sentence = (text: string) =>
  /^[a-z]+ /.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : `${text}.`;
