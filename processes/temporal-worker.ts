import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createCampaignActivities } from '../activities/campaign-activities.js';
import { TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import { TOPICS } from '../contracts/topics.js';
import { startBusinessClock } from '../infra/clock.js';
import { connectProducer, createKafka, topicName } from '../infra/kafka.js';
import { createPool } from '../infra/postgres.js';
import { createRedis } from '../infra/redis.js';
import { connectTemporalWorker, createTemporalWorker, installTemporalRuntime } from '../infra/temporal.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import type { ProcessContext, Readiness, RunningProcess } from './process.js';
import { workflowSource } from './workflow-source.js';

/** Part of the time that a process has for its drain: the rest is for closing the connections. */
const GRACE_SHARE = 0.6;
const RECONNECT_DELAY_MS = 1_000;

/**
 * Worker of the queue `business` (approvals, campaigns). Starts before Temporal does and comes back after it:
 * until then it is not ready. Stopping takes no more work, finishes what was taken, then closes.
 */
export async function startTemporalWorker(context: ProcessContext): Promise<RunningProcess> {
  const { config, log } = context;
  const pool = createPool(config, (error) => log.warn({ err: error }, 'idle database connection broke'));
  await assertSchemaIsCurrent(pool);
  const clock = await startBusinessClock(pool, {
    onError: (error) => log.warn({ err: error }, 'cannot read the business clock'),
  });
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const producer = await connectProducer(createKafka(config, log));
  installTemporalRuntime(log);
  const activities = createCampaignActivities({
    pool,
    producer,
    redis,
    log,
    campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
    now: clock.now,
  });
  const runner = new WorkerRunner(context, activities);
  runner.start();
  return {
    name: 'temporal-worker',
    ready: async () => runner.readiness(),
    stop: async () => {
      await runner.stop();
      clock.stop();
      await producer.disconnect();
      redis.disconnect();
      await pool.end();
    },
  };
}

/** Keeps one worker running: connects, runs, and starts again when the connection or the worker is lost. */
class WorkerRunner {
  readonly #context: ProcessContext;
  readonly #activities: object;
  readonly #stopped = new AbortController();
  readonly #log: Logger;
  #worker: Worker | null = null;
  #trouble = 'connecting';
  #running: Promise<void> = Promise.resolve();

  constructor(context: ProcessContext, activities: object) {
    this.#context = context;
    this.#activities = activities;
    this.#log = context.log;
  }

  start(): void {
    this.#running = this.#keepRunning();
  }

  readiness(): Readiness {
    const state = this.#worker?.getState() ?? this.#trouble;
    return { ok: state === 'RUNNING', detail: { [TASK_QUEUES.business]: state } };
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
    this.#worker = await createTemporalWorker({
      config,
      connection,
      taskQueue: TASK_QUEUES.business,
      workflows: workflowSource(),
      activities: this.#activities,
      graceMs: Math.round(config.SHUTDOWN_TIMEOUT_MS * GRACE_SHARE),
    });
    if (this.#stopped.signal.aborted) return;
    this.#log.info({ queue: TASK_QUEUES.business }, 'Temporal worker runs');
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
