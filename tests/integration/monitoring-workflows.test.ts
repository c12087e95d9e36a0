import { randomBytes } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import type { Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMonitoringActivities } from '../../activities/monitoring-activities.js';
import { TASK_QUEUES } from '../../contracts/temporal/campaign-lifecycle.js';
import {
  type ChunkedRunState,
  DAILY_MONITORING,
  QUARTERLY_TUNING,
  type QuarterlyTuningState,
  quarterlyTuningId,
  WEEKLY_BID_OPTIMIZATION,
} from '../../contracts/temporal/monitoring.js';
import { TOPICS } from '../../contracts/topics.js';
import {
  addDays,
  type BusinessDate,
  businessDateOf,
  startOfBusinessDate,
} from '../../domain/business-date.js';
import { loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createPrisma } from '../../infra/prisma.js';
import { createUser } from '../../operations/create-user.js';
import { readRankingParameters } from '../../operations/read-ranking-parameters.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { decideTuning } from '../../operations/tuning-workflow.js';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import { startTimeSkippingTemporal } from '../support/time-skipping-temporal.js';

let db: TestDatabase;
let temporal: TestWorkflowEnvironment;
let producer: Producer;
let worker: Worker;
let run: Promise<void>;
let today: BusinessDate;
let quarter: string;

beforeAll(async () => {
  db = await createTestDatabase();
  const log = pino({ level: 'silent' });
  const config = {
    ...loadConfig(),
    TOPIC_PREFIX: `monitoring-${randomBytes(4).toString('hex')}-`,
    KAFKA_PARTITIONS: 1,
  };
  await createTopics(config, log);
  producer = await connectProducer(createKafka(config, log));
  temporal = await startTimeSkippingTemporal();
  today = businessDateOf(Date.now());
  quarter = `${today.slice(0, 4)}-Q${Math.ceil(Number(today.slice(5, 7)) / 3)}`;
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: 'default',
    taskQueue: TASK_QUEUES.business,
    workflowBundle: await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH }),
    activities: createMonitoringActivities({
      pool: db.appPool,
      producer,
      campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
      now: Date.now,
    }),
  });
  run = worker.run();
  await seed();
});
afterAll(async () => {
  worker.shutdown();
  await run;
  await temporal.teardown();
  await producer.disconnect();
  await db.drop();
});

/** One seller with a campaign that was shown yesterday, ten times a minute and never clicked, and an admin. */
async function seed(): Promise<void> {
  await registerAdvertiser(db.appPool, { advertiserId: 'adv_1', name: 'One', businessNumber: '1108100001' });
  const start = addDays(today, -30);
  await db.ownerPool.query(
    `INSERT INTO campaign (id, advertiser_id, name, status, review_status, start_date, end_date, daily_budget_krw, updated_at)
     VALUES ('cmp_1', 'adv_1', 'One', 'enabled', 'approved', $1, $2, 10000, now())`,
    [start, addDays(today, 30)],
  );
  await db.ownerPool.query(
    `INSERT INTO campaign_bid (campaign_id, placement, max_cpc_krw) VALUES ('cmp_1', 'HOME', 500)`,
  );
  const budget = { campaignId: 'cmp_1', advertiserId: 'adv_1', dailyBudgetKrw: 10_000, totalBudgetKrw: null };
  await fund(db.appPool, budget, 10_000);
  const from = startOfBusinessDate(addDays(today, -1));
  await db.ownerPool.query(
    `INSERT INTO performance_5m (ad_id, placement, window_start_ms, window_end_ms, is_final, campaign_id,
       served_impressions, viewed_impressions, clicks, conversions, conversion_value_krw)
     VALUES ('ad_1', 'SEARCH', $1::bigint, $1::bigint + 300000, true, 'cmp_1', 20000, 50, 800, 0, 0)`,
    [from],
  );
  const prisma = createPrisma(db.appPool);
  for (const [userId, role, advertiserId] of [
    ['usr_admin', 'admin', null],
    ['usr_seller', 'advertiser', 'adv_1'],
  ] as const) {
    const email = `${userId}@ads.test`;
    const user = {
      userId,
      email,
      role,
      advertiserId,
      displayName: userId,
      password: 'a-long-enough-password',
    };
    const created = await createUser(prisma, user);
    if (!created.ok) throw new Error(created.error.message);
  }
}

const execute = <T>(workflowType: string, workflowId: string): Promise<T> =>
  temporal.client.workflow.execute(workflowType, {
    taskQueue: TASK_QUEUES.business,
    workflowId,
    args: [{}],
  }) as Promise<T>;

describe('the daily run', () => {
  test('tells every advertiser the results of yesterday, once', async () => {
    const first = await execute<ChunkedRunState>(DAILY_MONITORING.workflowType, 'daily-1');
    expect(first).toMatchObject({ advertisers: 1, results: 1 });
    const again = await execute<ChunkedRunState>(DAILY_MONITORING.workflowType, 'daily-2');
    expect(again).toMatchObject({ advertisers: 1, results: 0 });
    const { rows } = await db.appPool.query(
      `SELECT variables FROM notification WHERE template = 'daily_digest' AND advertiser_id = 'adv_1'`,
    );
    expect(rows).toMatchObject([
      { variables: { date: addDays(today, -1), impressions: '20,000', clicks: '0', balanceKrw: '10,000' } },
    ]);
  });
});

describe('the weekly run', () => {
  test('proposes a bounded change with its reason, once a week, and tells the seller', async () => {
    const first = await execute<ChunkedRunState>(WEEKLY_BID_OPTIMIZATION.workflowType, 'weekly-1');
    expect(first).toMatchObject({ advertisers: 1, results: 1 });
    expect(await execute(WEEKLY_BID_OPTIMIZATION.workflowType, 'weekly-2')).toMatchObject({ results: 0 });
    const { rows } = await db.appPool.query('SELECT * FROM bid_proposal');
    expect(rows).toMatchObject([
      {
        campaign_id: 'cmp_1',
        placement: 'HOME',
        current_max_cpc_krw: 500,
        proposed_max_cpc_krw: 550,
        reason: 'rarely_shown',
        status: 'open',
      },
    ]);
  });
});

describe('the quarterly run', () => {
  const handle = () => temporal.client.workflow.getHandle(quarterlyTuningId(quarter));
  const state = () => handle().query<QuarterlyTuningState>(QUARTERLY_TUNING.state);

  test('ends by itself when nobody decides', async () => {
    const other = await temporal.client.workflow.start(QUARTERLY_TUNING.workflowType, {
      taskQueue: TASK_QUEUES.business,
      workflowId: quarterlyTuningId('2099-Q1'),
      args: [{ quarter: '2099-Q1' }],
    });
    const phaseOf = async () => (await other.query<QuarterlyTuningState>(QUARTERLY_TUNING.state)).phase;
    await poll('it waits', async () => (await phaseOf()) === 'waiting', 20_000);
    const result = await other.result();
    expect(result).toMatchObject({ phase: 'expired', publishedVersion: null });
    const { rows } = await db.appPool.query(
      `SELECT status FROM ranking_parameters_proposal WHERE quarter = '2099-Q1'`,
    );
    expect(rows).toEqual([{ status: 'expired' }]);
  });

  test('proposes, takes the decision of an admin and of nobody else, and publishes the next version', async () => {
    await execute(QUARTERLY_TUNING.workflowType, 'quarterly-scheduled');
    await poll('it waits', async () => (await state()).phase === 'waiting', 20_000);
    // A name that no store takes must not end the workflow.
    await handle().signal(QUARTERLY_TUNING.approve, { actorId: { toString: 1 } });
    await handle().signal(QUARTERLY_TUNING.approve, { actorId: 'usr_\u0000' });
    await poll('it is ignored', async () => (await state()).ignoredDecision !== null, 20_000);
    await handle().signal(QUARTERLY_TUNING.approve, { actorId: 'usr_seller' });
    const ignored = async () => (await state()).ignoredDecision?.by;
    await poll('the signal is ignored', async () => (await ignored()) === 'usr_seller', 20_000);
    expect(await state()).toMatchObject({ phase: 'waiting', ignoredDecision: { by: 'usr_seller' } });
    const decision = { commandId: 'tuning-1', verdict: 'approve', actorId: 'usr_seller' } as const;
    expect(await decideTuning(temporal.client, quarter, decision)).toMatchObject({ ok: false });
    expect((await readRankingParameters(db.appPool)).version).toBe(1);

    const approve = { ...decision, commandId: 'tuning-2', actorId: 'usr_admin' };
    expect(await decideTuning(temporal.client, quarter, approve)).toEqual({ ok: true, value: null });
    expect(await handle().result()).toMatchObject({ phase: 'approved', publishedVersion: 2 });
    // 4 % of the impressions were clicked, so new ads are assumed to do better: by a fifth at most.
    expect(await readRankingParameters(db.appPool)).toMatchObject({ version: 2, priorClicksMilli: 4_800 });
    const late = { ...decision, commandId: 'tuning-3', verdict: 'reject', actorId: 'usr_admin' } as const;
    expect(await decideTuning(temporal.client, quarter, late)).toMatchObject({
      ok: false,
      error: { code: 'wrong_status' },
    });
  });
});
