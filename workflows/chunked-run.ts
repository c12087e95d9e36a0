import { continueAsNew, defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type {
  ChunkedRunInput,
  ChunkedRunState,
  ChunkInput,
  ChunkResult,
  MonitoringActivities,
} from '../contracts/temporal/monitoring.js';

/** PostgreSQL only; repeated until the store is back. */
export const monitoringSteps = proxyActivities<MonitoringActivities>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** Then the run continues as new, so that no history grows with the number of advertisers. */
const CHUNKS_PER_RUN = 200;
const NOTHING: ChunkedRunState = { afterId: '', advertisers: 0, results: 0 };

export const chunkedStateQuery = defineQuery<ChunkedRunState>('state');

/** Walks through all advertisers chunk by chunk, remembering the last one: a run that fails goes on where it was. */
export async function runInChunks(
  input: ChunkedRunInput,
  period: string,
  step: (chunk: ChunkInput) => Promise<ChunkResult>,
): Promise<ChunkedRunState> {
  let state = input.carried ?? NOTHING;
  setHandler(chunkedStateQuery, () => state);
  for (let chunk = 1; ; chunk += 1) {
    const { lastId, advertisers, results } = await step({ period, afterId: state.afterId });
    state = {
      afterId: lastId ?? state.afterId,
      advertisers: state.advertisers + advertisers,
      results: state.results + results,
    };
    if (lastId === null) return state;
    if (chunk === CHUNKS_PER_RUN)
      await continueAsNew<(next: ChunkedRunInput) => Promise<ChunkedRunState>>({ period, carried: state });
  }
}
