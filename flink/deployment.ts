import type { Logger } from 'pino';
import { CheckpointStore } from './checkpoint-store.js';
import { type DesiredState, readClaim, readDesiredState, writeClaim } from './desired-state.js';
import type { SqlGatewayClient } from './gateway-client.js';
import { type FlinkJob, hasEnded, isEnding, type JobManagerClient } from './job-manager-client.js';
import { blamesState, type JobObservation, observeJob } from './observe-job.js';
import { FiguresReader, type StatementFigures } from './statement-figures.js';
import { type DeployerConfig, PARAMETERS, type ReadText, statementJob } from './statement-job.js';
import type { StatementSpec } from './statements.js';
import { stopWithSavepoint } from './stop-job.js';

export interface StatementStatus {
  readonly desired: DesiredState['state'];
  readonly running: boolean;
  /** One line: the job's state, or why there is none. */
  readonly detail: string;
  readonly jobId: string | undefined;
  /** Age of the newest complete checkpoint of the running job. */
  readonly checkpointAgeMs: number | undefined;
  readonly checkpointBytes: number | undefined;
  /** Since the job was submitted. */
  readonly failedCheckpoints: number | undefined;
  readonly restarts: number | undefined;
  /** States that no job could start from, since this process began. Above 0: something was computed anew, or is older. */
  readonly refusedStates: number;
  readonly figures: StatementFigures | undefined;
}

export interface DeployerEvents {
  /** After every round, per statement. */
  observed(statement: string, status: StatementStatus): void;
  /** A job was submitted: `restored` from a checkpoint, or `fresh` from the start of the log. */
  submitted(statement: string, from: 'restored' | 'fresh'): void;
}

export interface DeploymentDeps {
  readonly config: DeployerConfig;
  readonly log: Logger;
  readonly events: DeployerEvents;
  readonly jobManager: JobManagerClient;
  readonly gateway: SqlGatewayClient;
  readonly readText?: ReadText | undefined;
  /** When this deployer began. Where several deploy different texts, the one that began last decides. */
  readonly startedAtMs: number;
  /** Lets a submission wait for its turn. */
  inTurn<T>(submission: () => Promise<T>): Promise<T>;
  readonly signal: AbortSignal;
}

const NOTHING: Omit<StatementStatus, 'desired' | 'detail' | 'refusedStates'> = {
  running: false,
  jobId: undefined,
  checkpointAgeMs: undefined,
  checkpointBytes: undefined,
  failedCheckpoints: undefined,
  restarts: undefined,
  figures: undefined,
};
/** Flink tries again every second: one that fails this often for its state does not get over it. */
const FAILURES_BEFORE_BLAME = 2;

/** One statement and the job that runs it. */
export class Deployment {
  status: StatementStatus = {
    ...NOTHING,
    desired: 'running',
    detail: 'not looked at yet',
    refusedStates: 0,
  };
  private readonly job: ReturnType<typeof statementJob>;
  private readonly store: CheckpointStore;
  private readonly figures: FiguresReader;
  /** States that a job could not start from; the next older one is tried then. */
  private readonly unusable = new Set<string>();
  private submission: { jobId: string; restoredFrom: string | undefined; ran: boolean } | undefined;
  private prunedFor: string | undefined;
  private desired: DesiredState['state'] = 'running';

  constructor(
    readonly spec: StatementSpec,
    private readonly deps: DeploymentDeps,
  ) {
    this.job = statementJob(spec, deps.config, deps.readText);
    this.store = this.storeOf(spec.stateVersion);
    this.figures = new FiguresReader(spec.name, deps.jobManager, deps.log);
  }

  /** One step towards what is desired. Never throws: what went wrong becomes the status. */
  async reconcile(): Promise<void> {
    try {
      this.tell(await this.step());
    } catch (error) {
      this.tell(this.waiting(error instanceof Error ? describe(error) : String(error), undefined));
    }
  }

  private tell(status: StatementStatus): void {
    const before = this.status.detail;
    this.status = status;
    if (status.detail !== before) {
      const line = { statement: this.spec.name, jobId: status.jobId, detail: status.detail };
      if (status.running) this.deps.log.info(line, 'statement runs');
      else this.deps.log.warn(line, 'statement does not run');
    }
    this.deps.events.observed(this.spec.name, status);
  }

  private async step(): Promise<StatementStatus> {
    const wish = await readDesiredState(this.store.folder);
    this.desired = wish?.state ?? 'running';
    const jobs = (await this.deps.jobManager.jobs()).filter((job) => job.name === this.job.jobName);
    const live = jobs.filter((job) => !hasEnded(job));
    const ending = live.find(isEnding);
    if (ending) return this.waiting(`${ending.state}, waiting for its end`, ending.id);

    if (wish?.state === 'stopped') {
      if (live.length > 0) return this.replace(live, 'is to stop');
      return this.waiting(`stopped by ${wish.by} at ${wish.at}`, undefined);
    }
    if (await this.isOutdated())
      return this.waiting('outdated: a deployer that began later runs another text', live[0]?.id);
    const keep = await this.oneToKeep(live);
    if (keep === undefined && live.length > 0) return this.replace(live, 'runs another text');
    for (const job of live) {
      if (job === keep) continue;
      this.deps.log.warn({ job: job.id, name: job.name }, 'cancelling a duplicate');
      await this.deps.jobManager.cancel(job.id);
    }
    if (keep) return this.observe(keep);
    await this.blameState(jobs);
    return this.submit(jobs);
  }

  /**
   * Left over from before a roll-out: two texts must not take turns for ever. The claim lies beside the checkpoints, so
   * that it holds also while no job runs.
   */
  private async isOutdated(): Promise<boolean> {
    const claim = await readClaim(this.store.folder);
    return (
      claim !== undefined &&
      claim.startedAtMs > this.deps.startedAtMs &&
      claim.deploymentHash !== this.job.deploymentHash
    );
  }

  /** Before anything is ended or started. A disk that takes no claim is no reason to leave a statement standing. */
  private async claim(): Promise<void> {
    const mine = { startedAtMs: this.deps.startedAtMs, deploymentHash: this.job.deploymentHash };
    const claim = await readClaim(this.store.folder);
    if (claim !== undefined && claim.startedAtMs >= mine.startedAtMs) return;
    await writeClaim(this.store.folder, mine).catch((error: unknown) => {
      this.deps.log.error({ statement: this.spec.name, err: error }, 'the claim was not written');
    });
  }

  /** The oldest job that runs this text: two deployers that look at the same jobs choose the same one. */
  private async oneToKeep(live: readonly FlinkJob[]): Promise<FlinkJob | undefined> {
    const oldestFirst = [...live].sort((a, b) => a.startedAtMs - b.startedAtMs || (a.id < b.id ? -1 : 1));
    for (const job of oldestFirst) {
      // A job that is still initializing has no parameters to show yet: it is kept until it does.
      if (job.state === 'INITIALIZING') return job;
      const parameters = await this.deps.jobManager.jobParameters(job.id);
      if (parameters[PARAMETERS.deployment] === this.job.deploymentHash) return job;
    }
    return undefined;
  }

  /** Ends these jobs; the state of the oldest is saved, in the folder of its own state version. */
  private async replace(live: readonly FlinkJob[], why: string): Promise<StatementStatus> {
    const [first, ...others] = [...live].sort((a, b) => a.startedAtMs - b.startedAtMs);
    for (const job of others) await this.deps.jobManager.cancel(job.id);
    if (first === undefined) return this.waiting('nothing to stop', undefined);
    if (this.desired === 'running') await this.claim();
    const { log, jobManager, signal } = this.deps;
    log.warn({ statement: this.spec.name, jobId: first.id }, `stopping a job that ${why}`);
    const version = Number((await jobManager.jobParameters(first.id))[PARAMETERS.stateVersion]);
    if (!Number.isSafeInteger(version)) {
      // Started by a program that named its states otherwise: nobody could find a savepoint of it.
      await jobManager.cancel(first.id);
      return this.waiting(`stopping a job that ${why}`, first.id);
    }
    const stopped = await stopWithSavepoint(jobManager, first.id, this.storeOf(version).savepointsUri, {
      signal,
      onProgress: (what) => this.tell(this.waiting(`stopping a job that ${why}: ${what}`, first.id)),
    });
    const line = { statement: this.spec.name, jobId: first.id, ...stopped };
    if (stopped.how === 'savepoint') log.info(line, 'stopped with a savepoint');
    else log.warn(line, 'no savepoint could be taken: the newest checkpoint is the state');
    return this.waiting('stopped', undefined);
  }

  private async observe(job: FlinkJob): Promise<StatementStatus> {
    if (job.state === 'INITIALIZING') return this.waiting(job.state, job.id);
    const seen = await observeJob(this.deps.jobManager, job);
    if (seen.running && this.submission?.jobId === job.id) this.submission.ran = true;
    if (!seen.running) await this.blameStateOfRestarts(job, seen);
    if (seen.completedCheckpoints > 0 && this.prunedFor !== job.id) await this.prune(job.id);
    return {
      ...this.waiting(seen.detail, job.id),
      running: seen.running,
      checkpointAgeMs: seen.checkpointAgeMs,
      checkpointBytes: seen.checkpointBytes,
      failedCheckpoints: seen.failedCheckpoints,
      restarts: seen.restarts,
      figures: seen.running ? await this.figures.read(job.id) : undefined,
    };
  }

  /** Once for each job. What cannot be removed takes room, and is no reason to call a running statement broken. */
  private async prune(jobId: string): Promise<void> {
    this.prunedFor = jobId;
    await this.store.prune(jobId).catch((error: unknown) => {
      this.deps.log.error({ statement: this.spec.name, err: error }, 'older states were not removed');
    });
  }

  /** A job that Flink restarts for ever because a part cannot take its state: it has to start from an older one. */
  private async blameStateOfRestarts(job: FlinkJob, seen: JobObservation): Promise<void> {
    if (seen.restoredFrom === undefined) return;
    const traces = (await this.deps.jobManager.failureTraces(job.id)).slice(0, FAILURES_BEFORE_BLAME);
    if (traces.length < FAILURES_BEFORE_BLAME || !traces.every(blamesState)) return;
    this.refuse(seen.restoredFrom, seen.detail);
    await this.deps.jobManager.cancel(job.id);
  }

  /** A job of ours that failed before it ever ran, and blames its state: do not try that one again. */
  private async blameState(jobs: readonly FlinkJob[]): Promise<void> {
    const submission = this.submission;
    const failed = jobs.find((job) => job.id === submission?.jobId && job.state === 'FAILED');
    if (failed === undefined || submission === undefined) return;
    this.submission = undefined;
    const [trace = ''] = await this.deps.jobManager.failureTraces(failed.id);
    const failure = await this.deps.jobManager.lastFailure(failed.id);
    this.deps.log.error(
      { statement: this.spec.name, restoredFrom: submission.restoredFrom, failure },
      'job failed',
    );
    if (submission.restoredFrom !== undefined && !submission.ran && blamesState(trace))
      this.refuse(submission.restoredFrom, failure);
  }

  private refuse(uri: string, failure: string | undefined): void {
    this.unusable.add(uri);
    this.deps.log.error(
      { statement: this.spec.name, restoredFrom: uri, failure },
      'a state is unusable, trying an older one',
    );
  }

  private async submit(before: readonly FlinkJob[]): Promise<StatementStatus> {
    const missing = await this.missingCapacity();
    if (missing !== undefined) return this.waiting(missing, undefined);
    await this.claim();
    const restoredFrom = (await this.store.newestFirst()).find((uri) => !this.unusable.has(uri));
    if (restoredFrom === undefined && this.unusable.size > 0)
      this.deps.log.error(
        { statement: this.spec.name, refused: [...this.unusable] },
        'no state can be used: the statement starts from the log. See docs/runbooks/flink.md',
      );
    this.tell(this.waiting(`submitting, from ${restoredFrom ?? 'the start of the log'}`, undefined));
    const jobId = await this.deps
      .inTurn(() => this.startJob(restoredFrom))
      .catch(async (error: unknown) => {
        await this.blameIfRefused(restoredFrom, before);
        throw error;
      });
    this.submission = { jobId, restoredFrom, ran: false };
    const line = { statement: this.spec.name, jobId, restoredFrom: restoredFrom ?? null };
    this.deps.log.info(line, 'statement submitted');
    this.deps.events.submitted(this.spec.name, restoredFrom === undefined ? 'fresh' : 'restored');
    await this.record(jobId, restoredFrom);
    return this.waiting('submitted', jobId);
  }

  /** For whoever looks into the folder. The statement runs without it. */
  private async record(jobId: string, restoredFrom: string | undefined): Promise<void> {
    const record = {
      statementHash: this.job.textHash,
      stateVersion: this.spec.stateVersion,
      jobId,
      restoredFrom: restoredFrom ?? null,
      submittedAt: new Date().toISOString(),
    };
    await this.store.writeRecord(record).catch((error: unknown) => {
      this.deps.log.error({ statement: this.spec.name, err: error }, 'the record was not written');
    });
  }

  private async missingCapacity(): Promise<string | undefined> {
    const { taskManagers, freeSlots } = await this.deps.jobManager.capacity();
    if (taskManagers === 0) return 'no task manager has registered';
    const needed = this.deps.config.FLINK_PARALLELISM;
    return freeSlots < needed ? `needs ${needed} task slots, ${freeSlots} are free` : undefined;
  }

  private startJob(restoredFrom: string | undefined): Promise<string> {
    const parameters = {
      [PARAMETERS.deployment]: this.job.deploymentHash,
      [PARAMETERS.stateVersion]: this.spec.stateVersion,
    };
    const settings = {
      ...this.job.settings,
      'pipeline.global-job-parameters': Object.entries(parameters)
        .map(([name, value]) => `${name}:${value}`)
        .join(','),
      'execution.checkpointing.dir': this.store.uri,
      ...(restoredFrom === undefined ? {} : { 'execution.state-recovery.path': restoredFrom }),
    };
    return this.deps.gateway.withSession(settings, async (session) => {
      const { jobId } = await this.job.execute(session);
      if (jobId === undefined) throw new Error(`${this.spec.name}: the statement started no job`);
      return jobId;
    });
  }

  /** A state that cannot be used fails the job before it starts: the gateway answers with an error then. */
  private async blameIfRefused(restoredFrom: string | undefined, before: readonly FlinkJob[]): Promise<void> {
    if (restoredFrom === undefined) return;
    const known = new Set(before.map((job) => job.id));
    const failed = (await this.deps.jobManager.jobs()).find(
      (job) => job.name === this.job.jobName && job.state === 'FAILED' && !known.has(job.id),
    );
    if (failed === undefined) return;
    const [trace = ''] = await this.deps.jobManager.failureTraces(failed.id);
    if (!blamesState(trace)) return;
    this.refuse(restoredFrom, await this.deps.jobManager.lastFailure(failed.id));
  }

  private storeOf(stateVersion: number): CheckpointStore {
    return new CheckpointStore(this.deps.config.FLINK_CHECKPOINT_DIR, this.job.jobName, stateVersion);
  }

  private waiting(detail: string, jobId: string | undefined): StatementStatus {
    return { ...NOTHING, desired: this.desired, refusedStates: this.unusable.size, detail, jobId };
  }
}

/** `fetch failed` alone says nothing: the cause names the address. */
function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
