import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  CAMPAIGN_LIFECYCLE,
  type CampaignLifecycleInput,
  type CampaignLifecycleState,
  type ChangeBidsCommand,
  type ChangeBudgetCommand,
  type CommandAnswer,
  campaignWorkflowId,
  type MoveBudgetCommand,
  SEARCH_ATTRIBUTES,
  type SetStatusCommand,
  type SubmitReviewCommand,
  TASK_QUEUES,
} from '../contracts/temporal/campaign-lifecycle.js';
import { err, type Result } from '../domain/result.js';
import { reached, sentence } from './workflow-call.js';

const NOBODY_WAITS = 'The campaign is not in review or serving.';

export interface CampaignReference {
  readonly campaignId: string;
  readonly advertiserId: string;
}

/** How long a console waits for Temporal before it tells the person to try again. */
const CALL_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 2_000;

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

const startOptions = ({ campaignId, advertiserId }: CampaignReference) => ({
  workflowId: campaignWorkflowId(campaignId),
  taskQueue: TASK_QUEUES.business,
  args: [{ campaignId }] satisfies [CampaignLifecycleInput],
  typedSearchAttributes: [
    { key: keyword(SEARCH_ATTRIBUTES.campaignId), value: campaignId },
    { key: keyword(SEARCH_ATTRIBUTES.advertiserId), value: advertiserId },
  ],
  staticSummary: `Campaign ${campaignId} of ${advertiserId}`,
});

/** Starts the lifecycle of a submitted campaign. Already started is success. */
export async function startCampaignLifecycle(client: Client, campaign: CampaignReference): Promise<void> {
  try {
    await client.workflow.start(CAMPAIGN_LIFECYCLE.workflowType, startOptions(campaign));
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/**
 * Starts the lifecycle, or tells a lifecycle that waits with a rejected campaign that it was submitted again.
 * Sent twice it does the same: a lifecycle that is in review already takes no notice.
 */
export async function submitCampaignLifecycle(
  client: Client,
  campaign: CampaignReference,
): Promise<Result<null>> {
  return reached(NOBODY_WAITS, async () => {
    await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflow.signalWithStart(CAMPAIGN_LIFECYCLE.workflowType, {
        ...startOptions(campaign),
        signal: CAMPAIGN_LIFECYCLE.resubmit,
      }),
    );
    return null;
  });
}

/** True when a submission of this campaign would be news: there is no open lifecycle, or it waits with a rejection. */
export async function awaitsSubmission(client: Client, campaignId: string): Promise<boolean> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  try {
    const { status, typedSearchAttributes } = await client.connection.withDeadline(
      Date.now() + QUERY_TIMEOUT_MS,
      () => handle.describe(),
    );
    return (
      status.name !== 'RUNNING' || typedSearchAttributes.get(keyword(SEARCH_ATTRIBUTES.phase)) === 'rejected'
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

interface UpdateCommands {
  submitReview: SubmitReviewCommand;
  pause: SetStatusCommand;
  resume: SetStatusCommand;
  end: SetStatusCommand;
  changeBids: ChangeBidsCommand;
  changeBudget: ChangeBudgetCommand;
  moveBudget: MoveBudgetCommand;
}

/**
 * Sends one command and waits for its answer. The command id makes it safe to repeat: the workflow gives a
 * repeated id its first answer. Failures: `wrong_status` (not in this phase), `command_refused` (the rules or the
 * actor's rights), each with the workflow's sentence; `dependency_unavailable`.
 */
export async function commandCampaign<N extends keyof UpdateCommands>(
  client: Client,
  campaignId: string,
  name: N,
  command: UpdateCommands[N],
): Promise<Result<CommandAnswer>> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  const sent = await reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      handle.executeUpdate<CommandAnswer, [UpdateCommands[N]]>(CAMPAIGN_LIFECYCLE[name], {
        args: [command],
        updateId: command.commandId,
      }),
    ),
  );
  if (!sent.ok) return sent;
  if (sent.value.accepted) return sent;
  return err({ code: 'command_refused', message: sentence(sent.value.why ?? 'the command was refused') });
}

/** What the lifecycle says about itself; a failure when there is none or nobody answers. */
export async function queryCampaignLifecycle(
  client: Client,
  campaignId: string,
): Promise<Result<CampaignLifecycleState>> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  return reached(NOBODY_WAITS, () =>
    client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      handle.query<CampaignLifecycleState>(CAMPAIGN_LIFECYCLE.state),
    ),
  );
}

/** The business clock has moved: the lifecycle plans its end date again. */
export async function tellClockMoved(client: Client, campaignId: string): Promise<Result<null>> {
  return reached(NOBODY_WAITS, async () => {
    await client.workflow.getHandle(campaignWorkflowId(campaignId)).signal(CAMPAIGN_LIFECYCLE.clockMoved);
    return null;
  });
}
