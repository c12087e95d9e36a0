import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  ADVERTISER_ONBOARDING,
  advertiserOnboardingWorkflowId,
} from '../contracts/temporal/advertiser-onboarding.js';

/** Tells the onboarding of this advertiser that money has arrived. An onboarding that is over does not want to know. */
export async function signalFirstTopUp(client: Client, advertiserId: string): Promise<void> {
  try {
    await client.workflow
      .getHandle(advertiserOnboardingWorkflowId(advertiserId))
      .signal(ADVERTISER_ONBOARDING.toppedUp);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
