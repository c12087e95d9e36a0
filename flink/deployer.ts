import type { Logger } from 'pino';
import type { Config } from '../infra/config.js';
import { CheckpointStore } from './checkpoint-store.js';
import { SqlGatewayClient } from './gateway-client.js';
import { type FlinkJob, hasEnded, isEnding, JobManagerClient } from './job-manager-client.js';
import { readStatement, render, type StatementText, statementHash } from './render-statement.js';
import { FiguresReader, type StatementFigures } from './statement-figures.js';
import {
  COMMON_SETTINGS,
  connectionVariables,
  type FlinkConfig,
  STATEMENTS,
  type StatementSpec,
} from './statements.js';

export type DeployerConfig = FlinkConfig &
  Pick<Config, 'FLINK_REST_URL' | 'FLINK_SQL_GATEWAY_URL' | 'FLINK_CHECKPOINT_DIR' | 'FLINK_PARALLELISM'>;

export interface StatementStatus {
  readonly running: boolean;
  /** One line: the job's state, or why there is none. */
  readonly detail: string;
  readonly jobId: string | undefined;
  /** Age of the newest complete checkpoint of the running job. */
  readonly checkpointAgeMs: number | undefined;
  readonly checkpointBytes: number | undefined;
  readonly figures: StatementFigures | undefined;
}

export interface DeployerEvents {
  /** After every round, per statement. */
  observed(statement: string, status: StatementStatus): void;
  /** A job was submitted: `restored` from a checkpoint, or `fresh` from the start of the log. */
  submitted(statement: string, from: 'restored' | 'fresh'): void;
}

export interface FlinkDeployer {
  status(): Readonly<Record<string, StatementStatus>>;
  /** Ends the loop. The jobs keep running: they belong to Flink. */
  stop(): Promise<void>;
}

const ROUND_MS = 1_000;
/** Job parameter by which a job tells which statement text it runs. */
const HASH_PARAMETER = 'statement-hash';
const NOT_SEEN: StatementStatus = {
  running: false,
  detail: 'not looked at yet',
  jobId: undefined,
  checkpointAgeMs: undefined,
  checkpointBytes: undefined,
  figures: undefined,
};

/**
 * Keeps every statement running exactly once, for ever. It holds no state of its own: each round compares what Flink
 * runs with what should run, so it does not matter which of Flink's parts, or this process, was lost meanwhile
 * (a JobManager without high availability forgets its jobs; the checkpoints on disk remain).
 */
export function startDeployer(
  config: DeployerConfig,
  log: Logger,
  events: DeployerEvents,
  statements: readonly StatementSpec[] = STATEMENTS,
): FlinkDeployer {
  const ending = new AbortController();
  const jobManager = new JobManagerClient(config.FLINK_REST_URL);
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL, ending.signal);
  const deployments = statements.map(
    (spec) => new Deployment(spec, config, log, events, jobManager, gateway),
  );
  let wake = (): void => undefined;
  let stopping = false;

  const loop = (async () => {
    while (!stopping) {
      for (const deployment of deployments) {
        if (!stopping) await deployment.reconcile();
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ROUND_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();

  return {
    status: () =>
      Object.fromEntries(deployments.map((deployment) => [deployment.spec.name, deployment.status])),
    stop: async () => {
      stopping = true;
      // A submission takes seconds. One that is cut off is found by its name, or made again, by the next deployer.
      ending.abort();
      wake();
      await loop;
    },
  };
}

/** One statement and the job that runs it. */
class Deployment {
  status: StatementStatus = NOT_SEEN;
  private readonly jobName: string;
  private readonly text: StatementText;
  private readonly hash: string;
  private readonly store: CheckpointStore;
  private readonly figures: FiguresReader;
  /** Checkpoints that a job could not start from; the next older one is tried then. */
  private readonly unusable = new Set<string>();
  private submission: { jobId: string; restoredFrom: string | undefined; ran: boolean } | undefined;
  private prunedFor: string | undefined;

  constructor(
    readonly spec: StatementSpec,
    private readonly config: DeployerConfig,
    private readonly log: Logger,
    private readonly events: DeployerEvents,
    private readonly jobManager: JobManagerClient,
    private readonly gateway: SqlGatewayClient,
  ) {
    this.jobName = `${config.TOPIC_PREFIX}${spec.name}`;
    this.text = readStatement(spec.name, spec.tables);
    this.hash = statementHash(this.text, spec.rules, { ...COMMON_SETTINGS, ...spec.settings });
    this.store = new CheckpointStore(config.FLINK_CHECKPOINT_DIR, this.jobName, this.hash);
    this.figures = new FiguresReader(spec.name, jobManager, log);
  }

  /** One step towards "exactly one job, running this text". Never throws: what went wrong becomes the status. */
  async reconcile(): Promise<void> {
    const before = this.status.detail;
    try {
      this.status = await this.step();
    } catch (error) {
      this.status = { ...NOT_SEEN, detail: error instanceof Error ? describe(error) : String(error) };
    }
    if (this.status.detail !== before) {
      const line = { statement: this.spec.name, jobId: this.status.jobId, detail: this.status.detail };
      if (this.status.running) this.log.info(line, 'statement runs');
      else this.log.warn(line, 'statement does not run');
    }
    this.events.observed(this.spec.name, this.status);
  }

  private async step(): Promise<StatementStatus> {
    const jobs = (await this.jobManager.jobs()).filter((job) => job.name === this.jobName);
    const live = jobs.filter((job) => !hasEnded(job));
    const ending = live.find(isEnding);
    if (ending) return this.waiting(`${ending.state}, waiting for its end`, ending.id);

    const keep = await this.oneToKeep(live);
    for (const job of live) {
      if (job === keep) continue;
      this.log.warn(
        { job: job.id, name: job.name },
        'cancelling a job that is a duplicate or runs an old text',
      );
      await this.jobManager.cancel(job.id);
    }
    if (keep) return this.observe(keep);
    if (live.length > 0) return this.waiting('replacing a job', undefined);
    await this.blameCheckpoint(jobs);
    return this.submit(jobs);
  }

  /** The oldest job that runs this text: two deployers that look at the same jobs choose the same one. */
  private async oneToKeep(live: readonly FlinkJob[]): Promise<FlinkJob | undefined> {
    const oldestFirst = [...live].sort((a, b) => a.startedAtMs - b.startedAtMs || (a.id < b.id ? -1 : 1));
    for (const job of oldestFirst) {
      // A job that is still initializing has no parameters to show yet: it is kept until it does.
      if (job.state === 'INITIALIZING') return job;
      const parameters = await this.jobManager.jobParameters(job.id);
      if (parameters[HASH_PARAMETER] === this.hash) return job;
    }
    return undefined;
  }

  private async observe(job: FlinkJob): Promise<StatementStatus> {
    const { state, waiting } = await this.jobManager.job(job.id);
    const running = state === 'RUNNING' && waiting.length === 0;
    const checkpoints = await this.jobManager.checkpoints(job.id);
    if (running && this.submission?.jobId === job.id) this.submission.ran = true;
    if (checkpoints.completed > 0 && this.prunedFor !== job.id) {
      await this.store.prune(job.id);
      this.prunedFor = job.id;
    }
    const failure = running ? undefined : await this.jobManager.lastFailure(job.id);
    return {
      running,
      detail: running ? 'RUNNING' : [state, ...waiting.slice(0, 3), failure].filter(Boolean).join('; '),
      jobId: job.id,
      checkpointAgeMs: checkpoints.newest && Math.max(0, Date.now() - checkpoints.newest.atMs),
      checkpointBytes: checkpoints.newest?.bytes,
      figures: running ? await this.figures.read(job.id) : undefined,
    };
  }

  /** A job of ours that failed before it ever ran could not use its checkpoint: do not try that one again. */
  private async blameCheckpoint(jobs: readonly FlinkJob[]): Promise<void> {
    const submission = this.submission;
    const failed = jobs.find((job) => job.id === submission?.jobId && job.state === 'FAILED');
    if (failed === undefined || submission === undefined) return;
    const failure = await this.jobManager.lastFailure(failed.id);
    this.log.error(
      { statement: this.spec.name, restoredFrom: submission.restoredFrom, failure },
      'job failed',
    );
    if (submission.restoredFrom !== undefined && !submission.ran) this.unusable.add(submission.restoredFrom);
    this.submission = undefined;
  }

  private async submit(before: readonly FlinkJob[]): Promise<StatementStatus> {
    if ((await this.jobManager.taskManagers()) === 0)
      return this.waiting('no task manager has registered', undefined);
    const restoredFrom = (await this.store.newestFirst()).find((uri) => !this.unusable.has(uri));
    this.status = this.waiting(`submitting, from ${restoredFrom ?? 'the start of the log'}`, undefined);
    const jobId = await this.startJob(restoredFrom).catch(async (error: unknown) => {
      await this.blameIfRefused(restoredFrom, before);
      throw error;
    });
    this.submission = { jobId, restoredFrom, ran: false };
    this.log.info(
      { statement: this.spec.name, jobId, restoredFrom: restoredFrom ?? null },
      'statement submitted',
    );
    this.events.submitted(this.spec.name, restoredFrom === undefined ? 'fresh' : 'restored');
    await this.store.writeRecord({
      statementHash: this.hash,
      jobId,
      restoredFrom: restoredFrom ?? null,
      submittedAt: new Date().toISOString(),
    });
    return this.waiting('submitted', jobId);
  }

  private async startJob(restoredFrom: string | undefined): Promise<string> {
    const variables = { ...this.spec.rules, ...connectionVariables(this.config, this.spec.name) };
    const settings = {
      ...COMMON_SETTINGS,
      ...this.spec.settings,
      'parallelism.default': String(this.config.FLINK_PARALLELISM),
      'pipeline.name': this.jobName,
      'pipeline.global-job-parameters': `${HASH_PARAMETER}:${this.hash}`,
      'execution.checkpointing.dir': this.store.uri,
      ...(restoredFrom === undefined ? {} : { 'execution.state-recovery.path': restoredFrom }),
    };
    return this.gateway.withSession(settings, async (session) => {
      let jobId: string | undefined;
      for (const part of [...this.text.tables, ...this.text.parts]) {
        jobId = (await session.execute(render(part, variables))).jobId ?? jobId;
      }
      if (jobId === undefined) throw new Error(`${this.spec.name}: the statement started no job`);
      return jobId;
    });
  }

  /** A checkpoint that cannot be read fails the job before it starts: the gateway answers with an error then. */
  private async blameIfRefused(restoredFrom: string | undefined, before: readonly FlinkJob[]): Promise<void> {
    if (restoredFrom === undefined) return;
    const known = new Set(before.map((job) => job.id));
    const failed = (await this.jobManager.jobs()).find(
      (job) => job.name === this.jobName && job.state === 'FAILED' && !known.has(job.id),
    );
    if (failed === undefined) return;
    this.log.error(
      { statement: this.spec.name, restoredFrom },
      'checkpoint is unusable, trying an older one',
    );
    this.unusable.add(restoredFrom);
  }

  private waiting(detail: string, jobId: string | undefined): StatementStatus {
    return { ...NOT_SEEN, detail, jobId };
  }
}

/** `fetch failed` alone says nothing: the cause names the address. */
function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
