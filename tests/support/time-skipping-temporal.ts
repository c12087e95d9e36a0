import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import {
  type CampaignActivities,
  SEARCH_ATTRIBUTES,
  TASK_QUEUES,
} from '../../contracts/temporal/campaign-lifecycle.js';

/** Value of `IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` in Temporal's API. */
const KEYWORD = 2;

/**
 * A Temporal server of its own that skips time while every workflow only waits. A missing server is an error:
 * the path of its start script comes in TEMPORAL_TEST_SERVER.
 */
export async function startTimeSkippingTemporal(): Promise<TestWorkflowEnvironment> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = process.env.TEMPORAL_TEST_SERVER;
  if (path === undefined || path === '') throw new Error('TEMPORAL_TEST_SERVER is not set: see stack/');
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map((name) => [name, KEYWORD])),
  });
  return environment;
}

/** One for each queue: the steps, and what waits for the ranking. */
export function campaignWorkers(
  environment: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  activities: CampaignActivities,
): Promise<Worker[]> {
  const common = { connection: environment.nativeConnection, namespace: 'default' };
  const { awaitRankingAcknowledgement, ...steps } = activities;
  return Promise.all([
    Worker.create({ ...common, taskQueue: TASK_QUEUES.business, workflowBundle, activities: steps }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.watching,
      activities: { awaitRankingAcknowledgement },
    }),
  ]);
}
