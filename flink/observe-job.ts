import type { FlinkJob, JobManagerClient } from './job-manager-client.js';

/** How a job goes, as the JobManager tells it. */
export interface JobObservation {
  readonly running: boolean;
  /** One line: the job's state, and what it waits for. */
  readonly detail: string;
  readonly checkpointAgeMs: number | undefined;
  readonly checkpointBytes: number | undefined;
  readonly completedCheckpoints: number;
  readonly failedCheckpoints: number;
  /** Since the job was submitted, by Flink itself. */
  readonly restarts: number | undefined;
  /** The state that it started from last. */
  readonly restoredFrom: string | undefined;
}

const SHOWN_PARTS = 3;

/** Throws when the JobManager cannot be reached. */
export async function observeJob(jobManager: JobManagerClient, job: FlinkJob): Promise<JobObservation> {
  const [{ state, waiting }, checkpoints, restarts] = await Promise.all([
    jobManager.job(job.id),
    jobManager.checkpoints(job.id),
    jobManager.restarts(job.id),
  ]);
  const running = state === 'RUNNING' && waiting.length === 0;
  const failure = running ? undefined : await jobManager.lastFailure(job.id);
  return {
    running,
    detail: running
      ? 'RUNNING'
      : [state, ...waiting.slice(0, SHOWN_PARTS), failure].filter(Boolean).join('; '),
    checkpointAgeMs: checkpoints.newest && Math.max(0, Date.now() - checkpoints.newest.atMs),
    checkpointBytes: checkpoints.newest?.bytes,
    completedCheckpoints: checkpoints.completed,
    failedCheckpoints: checkpoints.failed,
    restarts,
    restoredFrom: checkpoints.restoredFrom,
  };
}

/**
 * Whether a failure blames the state that a job started from: Flink cannot read it, or it does not fit the statement.
 * Anything else (no slot, no log, a full disk) is no reason to give a state up. Frames and messages of Flink 2.2.
 */
const BLAMES_STATE =
  /tryRestoreExecutionGraphFromSavepoint|CheckpointCoordinator\.restoreSavepoint|Checkpoints\.loadAndValidate|Checkpoints\.loadCheckpointMetadata|resolveCheckpointPointer|StateMigrationException|BackendRestore|Could not restore (keyed|operator) state backend|restoreLatestCheckpointedState|StreamOperatorStateContext|SimpleVersionedListState/;

export const blamesState = (trace: string) => BLAMES_STATE.test(trace);
