import { createAdvertiserOnboardingActivities } from '../activities/advertiser-onboarding-activities.js';
import {
  type CampaignActivityDeps,
  createCampaignActivities,
  createWatchingActivities,
} from '../activities/campaign-activities.js';
import { createMonitoringActivities } from '../activities/monitoring-activities.js';
import { createTopUpActivities, type TopUpActivityDeps } from '../activities/top-up-activities.js';
import { TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import { TOPICS } from '../contracts/topics.js';
import { createBusinessRegistry } from '../infra/business-registry.js';
import { startBusinessClock } from '../infra/clock.js';
import { connectProducer, createKafka, topicName } from '../infra/kafka.js';
import { createPaymentProvider } from '../infra/payment-provider.js';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import { createRedis } from '../infra/redis.js';
import { createSecretBox } from '../infra/secret-box.js';
import { createTemporalClient, installTemporalRuntime } from '../infra/temporal.js';
import { submitStrandedApplications } from '../operations/advertiser-onboarding-workflow.js';
import { submitStrandedCampaigns } from '../operations/campaign-stranded.js';
import { startStrandedFindings } from '../operations/invalid-click-finding-workflow.js';
import { startStrandedTopUps } from '../operations/top-up-workflow.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import type { ProcessContext, Readiness, RunningProcess } from './process.js';
import { createSettlementWorker } from './settlement-worker.js';
import { WorkerRunner } from './temporal-worker-runner.js';
import { workflowSource } from './workflow-source.js';

const SWEEP_INTERVAL_MS = 60_000;

/**
 * Workers of the queues `business` (approvals, campaigns), `business-watching` (activities that wait) and `settlement`. Starts
 * before Temporal does and comes back after it: until then it is not ready. Stopping takes no more work, finishes
 * what was taken, then closes.
 */
export async function startTemporalWorker(context: ProcessContext): Promise<RunningProcess> {
  const { config, log } = context;
  const pool = createPool(config, (error) => log.warn({ err: error }, 'idle database connection broke'));
  await assertSchemaIsCurrent(pool);
  const clock = await startBusinessClock(pool, {
    mustBeReal: config.ADS_ENV === 'production',
    onError: (error) => log.warn({ err: error }, 'cannot read the business clock'),
  });
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const producer = await connectProducer(createKafka(config, log));
  installTemporalRuntime(log);
  const temporal = createTemporalClient(config);
  const runners = createRunners(
    context,
    {
      pool,
      producer,
      redis,
      log,
      campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
      now: clock.now,
    },
    {
      pool,
      log,
      temporal: temporal.client,
      payments: createPaymentProvider(config),
      secrets: createSecretBox(config.BILLING_KEY_ENCRYPTION_KEY),
    },
  );
  const settlement = createSettlementWorker(context);
  runners.push(settlement.runner);
  for (const runner of runners) runner.start();
  const sweep = startSweep(context, pool);
  return {
    name: 'temporal-worker',
    ready: async () => readiness(runners),
    stop: async () => {
      await sweep.stop();
      await Promise.all(runners.map((runner) => runner.stop()));
      await settlement.stop();
      await temporal.close();
      clock.stop();
      await producer.disconnect();
      redis.disconnect();
      await pool.end();
    },
  };
}

function createRunners(
  context: ProcessContext,
  deps: CampaignActivityDeps,
  topUps: TopUpActivityDeps,
): WorkerRunner[] {
  const { pool, log } = deps;
  const registry = createBusinessRegistry(context.config);
  const onboarding = createAdvertiserOnboardingActivities({ pool, log, registry });
  return [
    new WorkerRunner(context, {
      taskQueue: TASK_QUEUES.business,
      workflows: workflowSource,
      activities: {
        ...onboarding,
        ...createCampaignActivities(deps),
        ...createTopUpActivities(topUps),
        ...createMonitoringActivities(deps),
      },
    }),
    new WorkerRunner(context, {
      taskQueue: TASK_QUEUES.watching,
      activities: createWatchingActivities(deps),
    }),
  ];
}

function readiness(runners: readonly WorkerRunner[]): Readiness {
  const detail = Object.fromEntries(runners.map((runner) => [runner.taskQueue, runner.state()]));
  return { ok: Object.values(detail).every((state) => state === 'RUNNING'), detail };
}

const STRANDED = {
  campaigns: submitStrandedCampaigns,
  applications: submitStrandedApplications,
  'top-ups': startStrandedTopUps,
  findings: startStrandedFindings,
};

/** Submissions that were accepted while Temporal was away reach it here, at the latest two minutes after it is back. */
function startSweep({ config, log }: ProcessContext, pool: DatabasePool): { stop(): Promise<void> } {
  const temporal = createTemporalClient(config);
  let running: Promise<void> | null = null;
  /** One by one, each with its own failure: a campaign that cannot be submitted holds up no top-up. */
  const sweep = async () => {
    for (const [what, submit] of Object.entries(STRANDED)) {
      try {
        const ids = await submit(pool, temporal.client);
        if (ids.length > 0) log.warn({ ids }, `submitted stranded ${what} again`);
      } catch (error) {
        log.warn({ err: error }, `cannot look for stranded ${what}`);
      }
    }
    running = null;
  };
  const timer = setInterval(() => {
    running ??= sweep();
  }, SWEEP_INTERVAL_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      await temporal.close();
    },
  };
}
