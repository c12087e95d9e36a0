import { setTimeout as delay } from 'node:timers/promises';
import { FlinkError } from './gateway-client.js';
import { hasEnded, type JobManagerClient } from './job-manager-client.js';

/** How a job ended. Whoever starts it again finds the savepoint, or else the newest checkpoint, by itself. */
export type Stopped =
  | { readonly how: 'savepoint'; readonly uri: string }
  | { readonly how: 'checkpoint'; readonly because: string };

export interface Progress {
  /** Called every now and then while it takes its time. */
  onProgress(what: string): void;
  readonly signal?: AbortSignal | undefined;
}

/** As long as a checkpoint may take. A sink that waits for its store holds a savepoint up for ever. */
const SAVEPOINT_WITHIN_MS = 120_000;
const END_WITHIN_MS = 60_000;
const POLL_MS = 200;
const TOLD_EVERY_MS = 1_000;

/**
 * Stops a job with a savepoint. One that is not taken in time, or at all (the job does not run, the disk is full), is
 * given up: the job is cancelled, and its newest checkpoint holds its state. Two who stop the same job join one request,
 * and so does the deployer that comes after one that was killed meanwhile. Throws when the JobManager is unreachable.
 */
export async function stopWithSavepoint(
  jobManager: JobManagerClient,
  jobId: string,
  savepointsUri: string,
  progress: Progress,
): Promise<Stopped> {
  const stopped = await savepointOf(jobManager, jobId, savepointsUri, progress);
  if (stopped.how === 'checkpoint') await jobManager.cancel(jobId);
  await untilEnded(jobManager, jobId, progress);
  return stopped;
}

async function savepointOf(
  jobManager: JobManagerClient,
  jobId: string,
  savepointsUri: string,
  progress: Progress,
): Promise<Stopped> {
  try {
    await jobManager.triggerStop(jobId, savepointsUri, jobId);
    return await untilSaved(jobManager, jobId, jobId, progress);
  } catch (error) {
    // Flink said no. An answer that did not come (the network, a hung JobManager) is thrown: nothing was decided.
    if (error instanceof FlinkError) return { how: 'checkpoint', because: error.problem };
    throw error;
  }
}

/** Waits for a savepoint that was begun. */
export async function untilSaved(
  jobManager: JobManagerClient,
  jobId: string,
  triggerId: string,
  { onProgress, signal }: Progress,
): Promise<Stopped> {
  const since = Date.now();
  let toldAt = 0;
  while (Date.now() - since < SAVEPOINT_WITHIN_MS) {
    const savepoint = await jobManager.savepoint(jobId, triggerId);
    if (savepoint.state === 'completed') return { how: 'savepoint', uri: savepoint.uri };
    if (savepoint.state === 'failed') return { how: 'checkpoint', because: savepoint.problem };
    if (Date.now() - toldAt >= TOLD_EVERY_MS) {
      toldAt = Date.now();
      onProgress(`savepoint, ${Math.round((toldAt - since) / 1_000)} s`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  return { how: 'checkpoint', because: `no savepoint within ${SAVEPOINT_WITHIN_MS / 1_000} s` };
}

async function untilEnded(
  jobManager: JobManagerClient,
  jobId: string,
  { onProgress, signal }: Progress,
): Promise<void> {
  const deadline = Date.now() + END_WITHIN_MS;
  for (;;) {
    const job = (await jobManager.jobs()).find(({ id }) => id === jobId);
    // A JobManager that was lost meanwhile does not know the job any more, and nobody runs it.
    if (job === undefined || hasEnded(job)) return;
    if (Date.now() > deadline)
      throw new Error(`job ${jobId} is ${job.state} and does not end: look at its TaskManager`);
    onProgress(`${job.state}, waiting for its end`);
    await delay(POLL_MS, undefined, { signal });
  }
}
