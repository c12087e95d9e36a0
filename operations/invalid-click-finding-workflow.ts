import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import {
  type FindingAnswer,
  type FindingDecision,
  INVALID_CLICK_REVERSAL,
  type InvalidClickReversalInput,
  invalidClickReversalId,
} from '../contracts/temporal/invalid-click-finding.js';
import { err, ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { reached } from './workflow-call.js';

const NOBODY_WAITS = 'This finding does not wait for a decision.';
const CALL_TIMEOUT_MS = 10_000;

/** Starts the workflow of a finding; already started is success. Failure: `dependency_unavailable`. */
export async function startInvalidClickReversal(
  pool: DatabasePool,
  client: Client,
  findingId: string,
): Promise<Result<null>> {
  return reached(NOBODY_WAITS, async () => {
    try {
      await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
        client.workflow.start(INVALID_CLICK_REVERSAL.workflowType, {
          workflowId: invalidClickReversalId(findingId),
          taskQueue: TASK_QUEUES.settlement,
          args: [{ findingId }] satisfies [InvalidClickReversalInput],
          staticSummary: `Invalid clicks of finding ${findingId}`,
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    await pool.query(
      'UPDATE invalid_click_finding SET workflow_started_at = clock_timestamp() WHERE id = $1 AND workflow_started_at IS NULL',
      [findingId],
    );
    return null;
  });
}

/** Tells the finding's workflow the decision and waits for its answer; the command id makes it safe to repeat. */
export async function tellFindingDecision(
  client: Client,
  findingId: string,
  decision: FindingDecision,
): Promise<Result<null>> {
  const handle = client.workflow.getHandle(invalidClickReversalId(findingId));
  const told = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.executeUpdate<FindingAnswer, [FindingDecision]>(INVALID_CLICK_REVERSAL.decide, {
        args: [decision],
        updateId: decision.commandId,
      }),
    ),
  );
  if (!told.ok) return told;
  const answer = told.value;
  return answer.accepted ? ok(null) : err({ code: answer.code, message: answer.why });
}

const STRANDED_AFTER = '30 seconds';

/** Open findings whose workflow could not be started when they were made. Returns the ids that were started now. */
export async function startStrandedFindings(pool: DatabasePool, client: Client): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM invalid_click_finding WHERE status IN ('waiting', 'reversing') AND workflow_started_at IS NULL
       AND created_at < business_now() - $1::interval ORDER BY created_at LIMIT 100`,
    [STRANDED_AFTER],
  );
  const started: string[] = [];
  for (const { id } of rows) {
    if ((await startInvalidClickReversal(pool, client, id)).ok) started.push(id);
  }
  return started;
}
