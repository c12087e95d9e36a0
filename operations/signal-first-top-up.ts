import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  ADVERTISER_ONBOARDING,
  advertiserOnboardingWorkflowId,
} from '../contracts/temporal/advertiser-onboarding.js';

/**
 * Tells the onboarding of a company that money has arrived; repeated, or long after, it does nothing. Throws when
 * Temporal does not answer: the caller may ignore that, because the onboarding also looks at the wallet every day.
 */
export async function signalFirstTopUp(client: Client, advertiserId: string): Promise<void> {
  try {
    await client.workflow
      .getHandle(advertiserOnboardingWorkflowId(advertiserId))
      .signal(ADVERTISER_ONBOARDING.toppedUp);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
