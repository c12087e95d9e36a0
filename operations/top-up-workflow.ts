import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowUpdateStage } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import {
  type ConfirmTopUpAnswer,
  type ConfirmTopUpCommand,
  TOP_UP,
  type TopUpInput,
  type TopUpProgress,
  topUpWorkflowId,
} from '../contracts/temporal/top-up.js';
import { ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { keyword } from './search-attributes.js';
import { reached } from './workflow-call.js';

const NOBODY_WAITS = 'This top-up is not waiting for a payment any more.';

/** How long a person waits for an answer that comes from the payment provider. */
const ANSWER_TIMEOUT_MS = 7_000;
const CALL_TIMEOUT_MS = 10_000;

export interface TopUpReference {
  readonly topUpId: string;
  readonly advertiserId: string;
}

const startOptions = ({ topUpId, advertiserId }: TopUpReference) => ({
  workflowId: topUpWorkflowId(topUpId),
  taskQueue: TASK_QUEUES.business,
  args: [{ topUpId }] satisfies [TopUpInput],
  typedSearchAttributes: [{ key: keyword(SEARCH_ATTRIBUTES.advertiserId), value: advertiserId }],
  staticSummary: `Top-up ${topUpId} of ${advertiserId}`,
});

/** Starts the workflow of an order; already started is success. */
export async function startTopUp(
  pool: DatabasePool,
  client: Client,
  topUp: TopUpReference,
): Promise<Result<null>> {
  return reached(NOBODY_WAITS, async () => {
    try {
      await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
        client.workflow.start(TOP_UP.workflowType, startOptions(topUp)),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    await pool.query(
      'UPDATE top_up SET workflow_started_at = clock_timestamp() WHERE id = $1 AND workflow_started_at IS NULL',
      [topUp.topUpId],
    );
    return null;
  });
}

/** Waits until the order can be paid, as long as a person waits; not an error when that takes longer. */
export async function awaitOpened(client: Client, topUpId: string): Promise<void> {
  const handle = client.workflow.getHandle(topUpWorkflowId(topUpId));
  await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
      handle.executeUpdate<TopUpProgress, []>(TOP_UP.opened),
    ),
  );
}

/**
 * Confirms the payment of a card. `null`: taken, but the provider has not answered yet; it is repeated until it
 * does. A workflow that is over says `wrong_status`.
 */
export async function confirmTopUpPayment(
  client: Client,
  topUpId: string,
  command: ConfirmTopUpCommand,
): Promise<Result<ConfirmTopUpAnswer | null>> {
  const handle = client.workflow.getHandle(topUpWorkflowId(topUpId));
  const accepted = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.startUpdate<ConfirmTopUpAnswer, [ConfirmTopUpCommand]>(TOP_UP.confirm, {
        args: [command],
        updateId: command.commandId,
        waitForStage: WorkflowUpdateStage.ACCEPTED,
      }),
    ),
  );
  if (!accepted.ok) return accepted;
  const answer = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () => accepted.value.result()),
  );
  if (answer.ok) return answer;
  return answer.error.code === 'dependency_unavailable' ? ok(null) : answer;
}

/** The provider says that a payment changed. Sent with the start: also an order that was over is looked at again. */
export async function signalPaymentChanged(client: Client, topUp: TopUpReference): Promise<Result<null>> {
  return reached(NOBODY_WAITS, async () => {
    await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflow.signalWithStart(TOP_UP.workflowType, {
        ...startOptions(topUp),
        signal: TOP_UP.paymentChanged,
      }),
    );
    return null;
  });
}

const STRANDED_AFTER = '30 seconds';

/** Orders whose workflow could not be started when they were placed. Returns the ids that were started now. */
export async function startStrandedTopUps(pool: DatabasePool, client: Client): Promise<string[]> {
  const { rows } = await pool.query<TopUpReference>(
    `SELECT id AS "topUpId", advertiser_id AS "advertiserId" FROM top_up
     WHERE status = 'pending' AND workflow_started_at IS NULL
       AND updated_at < business_now() - $1::interval ORDER BY created_at LIMIT 100`,
    [STRANDED_AFTER],
  );
  const started: string[] = [];
  for (const row of rows) {
    if ((await startTopUp(pool, client, row)).ok) started.push(row.topUpId);
  }
  return started;
}
