import { createInvalidClickFindingActivities } from '../activities/invalid-click-finding-activities.js';
import { createSettlementActivities } from '../activities/settlement-activities.js';
import { TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import { createBusinessRegistry } from '../infra/business-registry.js';
import { openPool } from '../infra/postgres.js';
import { createTaxInvoiceProvider } from '../infra/tax-invoice-provider.js';
import { createTemporalClient } from '../infra/temporal.js';
import { ensureSchedules } from '../operations/ensure-schedules.js';
import { platformParty } from '../operations/read-tax-party.js';
import type { ProcessContext } from './process.js';
import { WorkerRunner } from './temporal-worker-runner.js';
import { workflowSource } from './workflow-source.js';

/** Batch statements over a whole day may take minutes, so this pool of their own has no statement time-out. */
const CONNECTIONS = 4;
const SCHEDULES_RETRY_MS = 5_000;

/** The worker of the queue `settlement`: batch money work, so that a long close never delays an approval. */
export function createSettlementWorker(context: ProcessContext): {
  runner: WorkerRunner;
  stop(): Promise<void>;
} {
  const { config, log } = context;
  const pool = openPool({
    connectionString: config.DATABASE_URL,
    max: CONNECTIONS,
    applicationName: `${config.INSTANCE_NAME}-settlement`,
    onIdleError: (error) => log.warn({ err: error }, 'idle database connection broke'),
  });
  const runner = new WorkerRunner(context, {
    taskQueue: TASK_QUEUES.settlement,
    workflows: workflowSource,
    activities: {
      ...createSettlementActivities({
        pool,
        log,
        provider: createTaxInvoiceProvider(config),
        registry: createBusinessRegistry(config),
        supplier: platformParty(config),
      }),
      ...createInvalidClickFindingActivities({ pool, log }),
    },
  });
  const schedules = keepSchedules(context);
  return {
    runner,
    stop: async () => {
      await schedules.stop();
      await pool.end();
    },
  };
}

/** Temporal may start after us: tried until it is there. */
function keepSchedules({ config, log }: ProcessContext): { stop(): Promise<void> } {
  const temporal = createTemporalClient(config);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const attempt = async () => {
    try {
      await ensureSchedules(temporal.client);
    } catch (error) {
      log.debug({ err: error }, 'schedules not made yet');
      if (stopped) return;
      timer = setTimeout(() => {
        running = attempt();
      }, SCHEDULES_RETRY_MS);
      timer.unref();
    }
  };
  let running = attempt();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
      await temporal.close();
    },
  };
}
