import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInvalidClickFindingActivities } from '../../activities/invalid-click-finding-activities.js';
import { TASK_QUEUES } from '../../contracts/temporal/campaign-lifecycle.js';
import {
  type InvalidClickReversalState,
  invalidClickReversalId,
} from '../../contracts/temporal/invalid-click-finding.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { decideFinding } from '../../operations/decide-invalid-click-finding.js';
import { startInvalidClickReversal } from '../../operations/invalid-click-finding-workflow.js';
import { makeFinding } from '../../operations/make-invalid-click-finding.js';
import { lockWallets } from '../../operations/money-locks.js';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { clickEvent, deliver, fund } from '../support/money.js';
import { startTimeSkippingTemporal } from '../support/time-skipping-temporal.js';

/** Waiting times alone are skipped: activities and database are the real ones. */
let db: TestDatabase;
let temporal: TestWorkflowEnvironment;
let worker: Worker;
let run: Promise<void>;

beforeAll(async () => {
  db = await createTestDatabase();
  temporal = await startTimeSkippingTemporal();
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: 'default',
    taskQueue: TASK_QUEUES.settlement,
    workflowBundle: await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH }),
    activities: createInvalidClickFindingActivities({ pool: db.appPool, log: pino({ level: 'silent' }) }),
  });
  run = worker.run();
}, 120_000);
afterAll(async () => {
  worker.shutdown();
  await run;
  await temporal.teardown();
  await db.drop();
});

const ADMIN = { actorId: 'usr_admin', actorRole: 'admin' };

async function finding(name: string): Promise<string> {
  const names = { advertiserId: `adv_${name}`, campaignId: `cmp_${name}` };
  await fund(db.appPool, { ...names, dailyBudgetKrw: 5_000, totalBudgetKrw: null }, 1_000);
  const click = clickEvent({ ...names, name, priceKrw: 400, issuedAtMs: Date.now() - 2_000 });
  await chargeClicks(db.appPool, [deliver(click)], { bidFloorKrw: 50 });
  const criteria = {
    fromMs: null,
    toMs: null,
    deviceHashes: [],
    ipHashes: [],
    campaignId: null,
    clickIds: [click.clickId],
    clicksPerHour: null,
  };
  const made = await makeFinding(db.appPool, {
    rule: 'manual',
    criteria,
    note: 'a test of time',
    idempotencyKey: name,
    via: 'console',
    ...ADMIN,
  });
  if (!made.ok) throw new Error(made.error.message);
  return made.value.findingId;
}

const resultOf = (id: string): Promise<InvalidClickReversalState> =>
  temporal.client.workflow.getHandle(invalidClickReversalId(id)).result();

test('what nobody confirms within a week expires, and can be confirmed no more', async () => {
  const id = await finding('forgotten');
  expect(await startInvalidClickReversal(db.appPool, temporal.client, id)).toMatchObject({ ok: true });
  const before = await temporal.currentTimeMs();
  expect(await resultOf(id)).toMatchObject({ status: 'expired', reversed: 0, decidedBy: 'system' });
  expect((await temporal.currentTimeMs()) - before).toBeGreaterThanOrEqual(7 * 86_400_000 - 1_000);
  await db.ownerPool.query(
    `INSERT INTO user_account (id, email, display_name, password_hash, role, status) VALUES ('usr_admin', 'a@ads.test', 'A', 'x', 'admin', 'active')`,
  );
  const late = { findingId: id, verdict: 'confirm', actorId: 'usr_admin', via: 'console' } as const;
  expect(await decideFinding(db.appPool, late)).toMatchObject({
    ok: false,
    error: { code: 'already_decided' },
  });
  expect((await lockWallets(db.appPool, ['adv_forgotten'])).get('adv_forgotten')).toMatchObject({
    cashKrw: 600,
  });
}, 60_000);

test('a run that starts after the decision carries it out without asking again', async () => {
  const id = await finding('decided');
  const decision = { findingId: id, verdict: 'confirm', actorId: 'usr_admin', via: 'console' } as const;
  expect(await decideFinding(db.appPool, decision)).toEqual({ ok: true, value: 'reversing' });
  for (const started of [1, 2]) {
    expect([started, (await startInvalidClickReversal(db.appPool, temporal.client, id)).ok]).toEqual([
      started,
      true,
    ]);
    expect(await resultOf(id)).toMatchObject({ status: 'completed', reversed: 1, decidedBy: 'usr_admin' });
  }
  expect((await lockWallets(db.appPool, ['adv_decided'])).get('adv_decided')).toMatchObject({
    cashKrw: 1_000,
  });
  const notices = await db.ownerPool.query(
    `SELECT FROM notification WHERE template = 'invalid_clicks_reversed'`,
  );
  expect(notices.rowCount).toBe(1);
}, 60_000);
