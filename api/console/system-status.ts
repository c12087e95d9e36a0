import { systemStatusSchema } from '../../contracts/http/system-status.js';
import { CONSUMER_GROUPS, TOPICS } from '../../contracts/topics.js';
import { readConsumerLag } from '../../infra/consumer-lag.js';
import { readFlinkJobs } from '../../infra/flink-status.js';
import { createKafka, groupName, topicName } from '../../infra/kafka.js';
import { countOpenWorkflows } from '../../operations/count-open-workflows.js';
import {
  createReconciliationPart,
  type PartFindings,
  type PartReaders,
  readBusinessDaysPart,
  readDeadLettersPart,
  readNotificationsPart,
  readRankingPart,
  readStopRelayPart,
  readSystemStatus,
} from '../../operations/read-system-status.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

/** `rtb-ranking`, `performance-5m`, `conversion-match-24h`. */
const FLINK_JOBS = 3;
const CHECKPOINT_LATE_MS = 60_000;
const LAG_OF_CONCERN = 10_000;

export function createPartReaders(deps: ConsoleDeps): PartReaders {
  const { pool, redis } = deps;
  return {
    ranking: () => readRankingPart(redis),
    flink: () => flinkPart(deps),
    consumers: () => consumersPart(deps),
    workflows: () => workflowsPart(deps),
    deadLetters: () => readDeadLettersPart(pool),
    stopRelay: () => readStopRelayPart(pool, redis),
    notifications: () => readNotificationsPart(pool),
    businessDays: () => readBusinessDaysPart(pool),
    reconciliation: createReconciliationPart(pool, deps.now),
  };
}

export function systemStatusRoutes(readers: PartReaders): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/system-status',
      summary: 'How every part of the system is, for operators.',
      description:
        'A part that does not answer within its time is `unavailable`; the others are told all the same.',
      tags: ['Operations'],
      access: { roles: ['admin'] },
      responses: { 200: { description: 'All parts.', schema: systemStatusSchema } },
      handler: async () => ({ status: 200, body: await readSystemStatus(readers) }),
    }),
  ];
}

async function flinkPart({ config, now }: ConsoleDeps): Promise<PartFindings> {
  const all = await readFlinkJobs(config.FLINK_REST_URL);
  const jobs = all.filter((job) => job.name.startsWith(config.TOPIC_PREFIX));
  const figures: Record<string, string> = {};
  for (const { name, state, lastCheckpointAt } of jobs) {
    const age =
      lastCheckpointAt === null ? 'none' : `${Math.round((now() - lastCheckpointAt) / 1_000)} s ago`;
    figures[name] = `${state}, checkpoint ${age}`;
  }
  const running = jobs.filter((job) => job.state === 'RUNNING');
  const late = running.filter((job) => now() - (job.lastCheckpointAt ?? 0) > CHECKPOINT_LATE_MS);
  if (running.length < FLINK_JOBS) return { figures, problem: `${running.length} of ${FLINK_JOBS} jobs run` };
  return {
    figures,
    problem: late.length === 0 ? null : `no checkpoint lately: ${late.map((j) => j.name).join(', ')}`,
  };
}

async function consumersPart({ config, log }: ConsoleDeps): Promise<PartFindings> {
  const groups = Object.values(CONSUMER_GROUPS).map((group) => groupName(config, group));
  const figures = await readConsumerLag(createKafka(config, log), topicName(config, TOPICS.adEvents), groups);
  const behind = Object.entries(figures).filter(([, lag]) => (lag ?? 0) > LAG_OF_CONCERN);
  const problem =
    behind.length === 0 ? null : `behind: ${behind.map(([group, lag]) => `${group} ${lag}`).join(', ')}`;
  return { figures, problem };
}

async function workflowsPart({ temporal }: ConsoleDeps): Promise<PartFindings> {
  await temporal.check();
  const { byType, complete } = await countOpenWorkflows(temporal.client);
  return { figures: { ...byType, ...(complete ? {} : { counted: 'the newest 1,000' }) }, problem: null };
}
