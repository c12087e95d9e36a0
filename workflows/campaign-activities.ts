import { proxyActivities } from '@temporalio/workflow';
import type { CampaignActivities } from '../contracts/temporal/campaign-lifecycle.js';

/** One transaction in PostgreSQL, or one append to Kafka: short, and repeated until the store is back. */
export const steps = proxyActivities<CampaignActivities>({
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** Watches Redis for up to a minute. */
export const watching = proxyActivities<Pick<CampaignActivities, 'awaitRankingAcknowledgement'>>({
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
