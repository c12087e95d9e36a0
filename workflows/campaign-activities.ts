import { proxyActivities } from '@temporalio/workflow';
import { type CampaignActivities, TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';

/** One transaction in PostgreSQL: short, and repeated until the store is back. */
export const steps = proxyActivities<
  Omit<CampaignActivities, 'publishCampaignSnapshot' | 'awaitRankingAcknowledgement'>
>({
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** One append to Kafka: the client's own retries may outlive a short time-out; a dead worker shows by its heartbeat. */
export const publishing = proxyActivities<Pick<CampaignActivities, 'publishCampaignSnapshot'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** Watches Redis for up to a minute, on a queue of its own. */
export const watching = proxyActivities<Pick<CampaignActivities, 'awaitRankingAcknowledgement'>>({
  taskQueue: TASK_QUEUES.watching,
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
