import type { Client } from '@temporalio/client';
import {
  QUARTERLY_TUNING,
  quarterlyTuningId,
  type TuningAnswer,
  type TuningDecision,
} from '../contracts/temporal/monitoring.js';
import { err, ok, type Result } from '../domain/result.js';
import { reached } from './workflow-call.js';

const CALL_TIMEOUT_MS = 10_000;

/** Tells the quarter's workflow the decision and waits for its answer; the command id makes it safe to repeat. */
export async function decideTuning(
  client: Client,
  quarter: string,
  decision: TuningDecision,
): Promise<Result<null>> {
  const handle = client.workflow.getHandle(quarterlyTuningId(quarter));
  const told = await reached('This proposal does not wait for a decision.', () =>
    client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.executeUpdate<TuningAnswer, [TuningDecision]>(QUARTERLY_TUNING.decide, {
        args: [decision],
        updateId: decision.commandId,
      }),
    ),
  );
  if (!told.ok) return told;
  const answer = told.value;
  return answer.accepted ? ok(null) : err({ code: 'command_refused', message: answer.why });
}
