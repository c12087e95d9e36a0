import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { AUTO_TOP_UP, type AutoTopUpInput, autoTopUpWorkflowId } from '../contracts/temporal/auto-top-up.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import { keyword } from './search-attributes.js';

/**
 * Asks the automatic top-up of an advertiser to look at the balance. Sent with the start, so that it works whether
 * or not it runs; repeated, or for an advertiser without automatic top-up, it does no harm: the database decides.
 * Throws when Temporal does not answer.
 */
export async function signalAutoTopUp(client: Client, advertiserId: string): Promise<void> {
  await client.workflow.signalWithStart(AUTO_TOP_UP.workflowType, {
    workflowId: autoTopUpWorkflowId(advertiserId),
    taskQueue: TASK_QUEUES.business,
    args: [{ advertiserId }] satisfies [AutoTopUpInput],
    typedSearchAttributes: [{ key: keyword(SEARCH_ATTRIBUTES.advertiserId), value: advertiserId }],
    staticSummary: `Automatic top-up of ${advertiserId}`,
    signal: AUTO_TOP_UP.balanceBelowThreshold,
  });
}

/** The same for callers that have done their work already: the budget monitor asks again later. */
export async function tryToSignalAutoTopUp(client: Client, advertiserId: string, log: Logger): Promise<void> {
  try {
    await client.connection.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () =>
      signalAutoTopUp(client, advertiserId),
    );
  } catch (error) {
    log.warn({ err: error, advertiserId }, 'cannot reach the automatic top-up');
  }
}

const SIGNAL_TIMEOUT_MS = 2_000;
