import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import {
  type DailyInvalidClicks,
  type DailyInvalidClicksInput,
  type InvalidClickFindingActivities,
  invalidClickReversalId,
} from '../contracts/temporal/invalid-click-finding.js';
import { type FindingPeriod, halvesOf } from '../domain/invalid-click-finding.js';
import { invalidClickReversal } from './invalid-click-reversal.js';

/** One statement over all clicks of a day; repeated until the store is back. */
const search = proxyActivities<Pick<InvalidClickFindingActivities, 'planDailyFinding' | 'findBursts'>>({
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * Looks through one day for bursts. By schedule, every morning; a person names the day in the input. A day with more than
 * one finding holds is asked for in parts. A run again finds the findings that there are.
 */
export async function dailyInvalidClicks(input: DailyInvalidClicksInput): Promise<DailyInvalidClicks> {
  const asked = input?.businessDate;
  const { businessDate, ...day } = await search.planDailyFinding(
    asked === undefined ? {} : { businessDate: asked },
  );
  const findingIds: string[] = [];
  const notSearched: FindingPeriod[] = [];
  const periods: FindingPeriod[] = [day];
  for (let period = periods.shift(); period !== undefined; period = periods.shift()) {
    const { findingId, tooMany } = await search.findBursts(period);
    if (findingId !== null) {
      await startReversal(findingId);
      findingIds.push(findingId);
    }
    if (!tooMany) continue;
    const halves = halvesOf(period);
    if (halves.length === 0) notSearched.push(period);
    periods.unshift(...halves);
  }
  return { businessDate, findingIds, notSearched };
}

/** It waits for an admin for days: this run does not wait for it. */
async function startReversal(findingId: string): Promise<void> {
  try {
    await startChild(invalidClickReversal, {
      workflowId: invalidClickReversalId(findingId),
      args: [{ findingId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Invalid clicks of finding ${findingId}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
