import { type Client, WorkflowNotFoundError } from '@temporalio/client';

/** Id and signal of the onboarding, which waits for the first money. */
const onboardingWorkflowId = (advertiserId: string) => `advertiser-onboarding:${advertiserId}`;
const TOPPED_UP = 'toppedUp';

/** Tells the onboarding of this advertiser that money has arrived. An onboarding that is over does not want to know. */
export async function signalFirstTopUp(client: Client, advertiserId: string): Promise<void> {
  try {
    await client.workflow.getHandle(onboardingWorkflowId(advertiserId)).signal(TOPPED_UP);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
