import { randomBytes } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTopUpActivities } from '../../activities/top-up-activities.js';
import { TASK_QUEUES } from '../../contracts/temporal/campaign-lifecycle.js';
import { type TopUpState, topUpWorkflowId } from '../../contracts/temporal/top-up.js';
import type { OrderedMethod } from '../../domain/top-up.js';
import { loadConfig } from '../../infra/config.js';
import { createPaymentProvider } from '../../infra/payment-provider.js';
import { createSecretBox } from '../../infra/secret-box.js';
import { orderTopUp } from '../../operations/order-top-up.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { readTopUp } from '../../operations/top-up-read.js';
import { awaitOpened, startTopUp } from '../../operations/top-up-workflow.js';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startTimeSkippingTemporal } from '../support/time-skipping-temporal.js';

/** Waiting times alone are skipped: activities, database and payment provider are the real ones. No webhooks here. */
let db: TestDatabase;
let sandbox: TestSandbox;
let temporal: TestWorkflowEnvironment;
let worker: Worker;
let run: Promise<void>;

beforeAll(async () => {
  db = await createTestDatabase();
  sandbox = await startSandbox();
  temporal = await startTimeSkippingTemporal();
  const config = { ...loadConfig(), ...sandbox.config };
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: 'default',
    taskQueue: TASK_QUEUES.business,
    workflowBundle: await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH }),
    activities: createTopUpActivities({
      pool: db.appPool,
      payments: createPaymentProvider(config),
      secrets: createSecretBox(config.BILLING_KEY_ENCRYPTION_KEY),
      temporal: temporal.client,
      log: pino({ level: 'silent' }),
    }),
  });
  run = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await run;
  await temporal.teardown();
  await sandbox.stop();
  await db.drop();
});

async function order(method: OrderedMethod) {
  const name = randomBytes(5).toString('hex');
  const advertiserId = `adv_${name}`;
  await registerAdvertiser(db.appPool, { advertiserId, name: '테스트', businessNumber: name });
  const ordered = await orderTopUp(db.appPool, {
    advertiserId,
    amountKrw: 30_000,
    method,
    bankCode: '88',
    requestedBy: 'usr_1',
    idempotencyKey: name,
  });
  if (!ordered.ok) throw new Error(ordered.error.message);
  const { topUp } = ordered.value;
  await startTopUp(db.appPool, temporal.client, topUp);
  await awaitOpened(temporal.client, topUp.topUpId);
  return { ...topUp, handle: temporal.client.workflow.getHandle(topUpWorkflowId(topUp.topUpId)) };
}

async function minutesOf(handle: Awaited<ReturnType<typeof order>>['handle']): Promise<number> {
  const { startTime, closeTime } = await handle.describe();
  return ((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / 60_000;
}

const noticesOf = async (advertiserId: string) => {
  const { rows } = await db.appPool.query<{ template: string }>(
    'SELECT template FROM notification WHERE advertiser_id = $1',
    [advertiserId],
  );
  return rows.map((row) => row.template);
};

describe('time', () => {
  test('a card payment that nobody finished expires after 30 minutes, with one notice', async () => {
    const { topUpId, advertiserId, handle } = await order('card');
    const state: TopUpState = await handle.result();
    expect(state.progress).toBe('expired');
    expect(await minutesOf(handle)).toBeCloseTo(30, 0);
    expect(await readTopUp(db.appPool, topUpId)).toMatchObject({ status: 'expired', credits: 0 });
    expect(await noticesOf(advertiserId)).toEqual(['top_up_expired']);
  });

  test('a deposit that never comes expires after seven days, with few readings', async () => {
    const { topUpId, advertiserId, handle } = await order('virtual_account');
    const state: TopUpState = await handle.result();
    expect(state.progress).toBe('expired');
    expect((await minutesOf(handle)) / 1_440).toBeCloseTo(7, 1);
    expect(state.readings).toBeLessThan(200);
    expect(await readTopUp(db.appPool, topUpId)).toMatchObject({ status: 'expired' });
    expect(await noticesOf(advertiserId)).toEqual(['top_up_expired']);
  });

  test('a deposit without any webhook is credited by the next reading', async () => {
    const { topUpId, handle } = await order('virtual_account');
    await sandbox.deposit({ orderId: topUpId });
    const state: TopUpState = await handle.result();
    expect(state.progress).toBe('credited');
    expect(await minutesOf(handle)).toBeLessThan(61);
    expect(await readTopUp(db.appPool, topUpId)).toMatchObject({ status: 'credited', credits: 1 });
  });
});
