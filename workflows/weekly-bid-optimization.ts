import type { ChunkedRunInput, ChunkedRunState } from '../contracts/temporal/monitoring.js';
import { monitoringSteps, runInChunks } from './chunked-run.js';

/** Proposes bounded changes of bids from the last seven days; the sellers decide. By schedule, every Monday. */
export async function weeklyBidOptimization(input: ChunkedRunInput): Promise<ChunkedRunState> {
  const week = input.period ?? (await monitoringSteps.planMonitoring()).week;
  return runInChunks(input, week, monitoringSteps.proposeBids);
}
