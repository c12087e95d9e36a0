import type { ChunkedRunInput, ChunkedRunState } from '../contracts/temporal/monitoring.js';
import { monitoringSteps, runInChunks } from './chunked-run.js';

/** Tells every advertiser the results of yesterday, with advice about the budgets. By schedule, every morning. */
export async function dailyMonitoring(input: ChunkedRunInput): Promise<ChunkedRunState> {
  const date = input.period ?? (await monitoringSteps.planMonitoring()).yesterday;
  return runInChunks(input, date, monitoringSteps.sendDailyDigests);
}
