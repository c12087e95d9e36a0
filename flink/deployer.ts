import type { Logger } from 'pino';
import { type DeployerEvents, Deployment, type StatementStatus } from './deployment.js';
import { SqlGatewayClient } from './gateway-client.js';
import { JobManagerClient } from './job-manager-client.js';
import type { DeployerConfig, ReadText } from './statement-job.js';
import { STATEMENTS, type StatementSpec } from './statements.js';

export interface FlinkDeployer {
  status(): Readonly<Record<string, StatementStatus>>;
  /** Ends the loops. The jobs keep running: they belong to Flink. */
  stop(): Promise<void>;
}

const ROUND_MS = 1_000;
/** Statements planned at once. Cold, on two cores: one by one they run after 20, 27 and 30 s, all at once after 35 s. */
const SUBMISSIONS_AT_ONCE = 1;

/**
 * Keeps every statement running exactly once, for ever, unless a person stopped it. It holds no state of its own: each
 * round compares what Flink runs with what should run, so it does not matter which of Flink's parts, or this process,
 * was lost meanwhile (a JobManager without high availability forgets its jobs; the checkpoints on disk remain). Each
 * statement has rounds of its own: trouble with one does not hold up the others.
 */
export function startDeployer(
  config: DeployerConfig,
  log: Logger,
  events: DeployerEvents,
  statements: readonly StatementSpec[] = STATEMENTS,
  readText?: ReadText,
): FlinkDeployer {
  const ending = new AbortController();
  const deps = {
    config,
    log,
    events,
    readText,
    jobManager: new JobManagerClient(config.FLINK_REST_URL),
    gateway: new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL, ending.signal),
    startedAtMs: Date.now(),
    inTurn: turns(SUBMISSIONS_AT_ONCE),
    signal: ending.signal,
  };
  const deployments = statements.map((spec) => new Deployment(spec, deps));
  const loops = deployments.map(async (deployment) => {
    while (!ending.signal.aborted) {
      await deployment.reconcile();
      await pause(ROUND_MS, ending.signal);
    }
  });
  return {
    status: () =>
      Object.fromEntries(deployments.map((deployment) => [deployment.spec.name, deployment.status])),
    stop: async () => {
      // A submission takes seconds. One that is cut off is found by its name, or made again, by the next deployer.
      ending.abort();
      await Promise.all(loops);
    },
  };
}

/** Runs at most `atOnce` tasks, the others in the order in which they came. */
function turns(atOnce: number): <T>(task: () => Promise<T>) => Promise<T> {
  let free = atOnce;
  const queue: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** Ends early, without an error, when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
