import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import {
  connectTemporalWorker,
  createTemporalWorker,
  type TemporalWorkerOptions,
  type WorkflowSource,
} from '../infra/temporal.js';
import type { ProcessContext } from './process.js';

/** Part of the time that a process has for its drain: the rest is for closing the connections. */
const GRACE_SHARE = 0.6;
const RECONNECT_DELAY_MS = 1_000;

export interface RunnerOptions extends Pick<TemporalWorkerOptions, 'taskQueue' | 'activities'> {
  /** None: a worker of activities only. */
  readonly workflows?: () => WorkflowSource;
}

/** Keeps one worker running: connects, runs, and starts again when the connection or the worker is lost. */
export class WorkerRunner {
  readonly #context: ProcessContext;
  readonly #options: RunnerOptions;
  readonly #stopped = new AbortController();
  readonly #log: Logger;
  #worker: Worker | null = null;
  #trouble = 'connecting';
  #running: Promise<void> = Promise.resolve();

  constructor(context: ProcessContext, options: RunnerOptions) {
    this.#context = context;
    this.#options = options;
    this.#log = context.log;
  }

  get taskQueue(): string {
    return this.#options.taskQueue;
  }

  start(): void {
    this.#running = this.#keepRunning();
  }

  /** `RUNNING`, another state of the worker, or why there is none. */
  state(): string {
    return this.#worker?.getState() ?? this.#trouble;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#worker?.getState() === 'RUNNING') this.#worker.shutdown();
    await this.#running;
  }

  async #keepRunning(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#runOnce();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== this.#trouble) this.#log.warn({ error: message }, 'no Temporal worker, trying again');
        this.#trouble = message;
      }
      if (!this.#stopped.signal.aborted) await delay(RECONNECT_DELAY_MS, this.#stopped.signal);
    }
  }

  async #runOnce(): Promise<void> {
    const { config } = this.#context;
    const connection = await connectTemporalWorker(config);
    try {
      await this.#runWorker(connection);
    } finally {
      this.#worker = null;
      await connection.close();
    }
  }

  async #runWorker(connection: NativeConnection): Promise<void> {
    const { config } = this.#context;
    const { taskQueue, activities, workflows } = this.#options;
    this.#worker = await createTemporalWorker({
      config,
      connection,
      taskQueue,
      activities,
      ...(workflows === undefined ? {} : { workflows: workflows() }),
      graceMs: Math.round(config.SHUTDOWN_TIMEOUT_MS * GRACE_SHARE),
    });
    if (this.#stopped.signal.aborted) return;
    this.#log.info({ queue: taskQueue }, 'Temporal worker runs');
    await this.#worker.run();
  }
}

/** Ends early, and quietly, when the process stops. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
