import { ApplicationFailure } from '@temporalio/workflow';

/** The refusal of a validator: nothing enters the history, the caller sees the sentence. */
export function refuse(why: string | null): void {
  if (why !== null) throw ApplicationFailure.nonRetryable(why, 'CommandRefused');
}
