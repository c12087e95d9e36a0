import { Client, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from './config.js';

type TemporalConfig = Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>;

export interface TemporalClient {
  readonly client: Client;
  /** Throws when Temporal does not answer in time. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Connects with the first call and again after every outage, so that a process may start before Temporal does. */
export function createTemporalClient(config: TemporalConfig): TemporalClient {
  const connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  return {
    client,
    check: async () => {
      await connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
        connection.workflowService.getSystemInfo({}),
      );
    },
    close: () => connection.close(),
  };
}

/** Where a worker takes its workflows from: the bundle of the build, or the sources (development, tests). */
export type WorkflowSource =
  | { readonly workflowBundle: WorkflowBundleOption }
  | { readonly workflowsPath: string };

export interface TemporalWorkerOptions {
  readonly config: TemporalConfig;
  readonly connection: NativeConnection;
  readonly taskQueue: string;
  /** None: a worker of activities only. */
  readonly workflows?: WorkflowSource;
  readonly activities: object;
  /** How long running activities may take to finish when the worker stops. */
  readonly graceMs: number;
}

const MAX_CONCURRENT_ACTIVITIES = 50;
const MAX_CACHED_WORKFLOWS = 500;

/** A worker of one queue. `run()` ends after `shutdown()`, when everything that was taken is finished. */
export function createTemporalWorker(options: TemporalWorkerOptions): Promise<Worker> {
  const workerOptions: WorkerOptions = {
    connection: options.connection,
    namespace: options.config.TEMPORAL_NAMESPACE,
    taskQueue: options.taskQueue,
    ...options.workflows,
    activities: options.activities,
    shutdownGraceTime: options.graceMs,
    maxConcurrentActivityTaskExecutions: MAX_CONCURRENT_ACTIVITIES,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
  };
  return Worker.create(workerOptions);
}

export function connectTemporalWorker(config: TemporalConfig): Promise<NativeConnection> {
  return NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** A warning of the SDK about what the workers without workflows are meant to be. */
const ACTIVITIES_ONLY = 'No workflows registered';

/** Once per operating-system process, before the first worker: our log, and no signal handlers of its own. */
export function installTemporalRuntime(log: Logger): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      if (message.startsWith(ACTIVITIES_ONLY)) return;
      log[LEVELS[level]]({ temporal: readableMeta(meta ?? {}) }, message);
    }),
  });
}

/** Who and what, and why it failed; not the opaque token of the task. */
function readableMeta(meta: Record<string | symbol, unknown>): Record<string, unknown> {
  const { taskToken: _, error, ...rest } = meta;
  if (error === undefined) return rest;
  return { ...rest, error: error instanceof Error ? error.message : String(error) };
}
