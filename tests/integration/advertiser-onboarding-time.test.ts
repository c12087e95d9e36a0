import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  ADVERTISER_ONBOARDING,
  type AdvertiserOnboardingActivities,
  type AdvertiserOnboardingState,
  advertiserOnboardingWorkflowId,
  type OnboardingAnswer,
  type OnboardingReviewCommand,
} from '../../contracts/temporal/advertiser-onboarding.js';
import { TASK_QUEUES } from '../../contracts/temporal/campaign-lifecycle.js';
import { TOP_UP_PATIENCE_DAYS } from '../../domain/advertiser-onboarding.js';
import { submitAdvertiserOnboarding } from '../../operations/advertiser-onboarding-workflow.js';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';
import { poll } from '../support/poll.js';
import { startTimeSkippingTemporal } from '../support/time-skipping-temporal.js';

/** Time and order alone: the activity boundary is recorded; what the activities do is tested against real stores. */
const HOUR_MS = 3_600_000;
let temporal: TestWorkflowEnvironment;
let worker: Worker;
let run: Promise<void>;
let calls: string[] = [];
let outside = { version: 1, toppedUp: false };

const activities: AdvertiserOnboardingActivities = {
  checkApplication: async () => {
    calls.push(`check ${outside.version}`);
    return { outcome: 'review', version: outside.version, findings: [] };
  },
  planApplicationReview: async () => ({ overdueInMs: 30 * HOUR_MS }),
  escalateApplicationReview: async ({ reminder }) => void calls.push(`remind ${reminder}`),
  recordApplicationDecision: async ({ verdict }) => {
    calls.push(verdict);
    return { recorded: true };
  },
  planResubmission: async () => ({ closesInMs: 30 * 24 * HOUR_MS }),
  closeApplication: async () => {
    calls.push('close');
    return { closed: true };
  },
  hasToppedUp: async () => outside.toppedUp,
  inviteToFirstCampaign: async () => void calls.push('invite'),
};

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal();
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: 'default',
    taskQueue: TASK_QUEUES.business,
    workflowBundle: await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH }),
    activities,
  });
  run = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await run;
  await temporal?.teardown();
});
beforeEach(() => {
  calls = [];
  outside = { version: 1, toppedUp: false };
});

async function start() {
  const advertiserId = `adv_${randomUUID()}`;
  await submitAdvertiserOnboarding(temporal.client, { advertiserId, version: 1 });
  const handle = temporal.client.workflow.getHandle(advertiserOnboardingWorkflowId(advertiserId));
  await reach(handle, (state) => state.phase === 'in_review');
  return { advertiserId, handle };
}
const reach = (handle: WorkflowHandle, reached: (state: AdvertiserOnboardingState) => boolean) =>
  poll('the onboarding’s state', async () => {
    const state = await handle.query<AdvertiserOnboardingState>(ADVERTISER_ONBOARDING.state);
    return reached(state) && state;
  });
const decide = (handle: WorkflowHandle, verdict: 'approve' | 'reject') =>
  handle.executeUpdate<OnboardingAnswer, [OnboardingReviewCommand]>(ADVERTISER_ONBOARDING.submitReview, {
    args: [
      {
        commandId: randomUUID(),
        verdict,
        reviewerId: 'usr_admin',
        reasons: verdict === 'reject' ? [{ code: 'address_incomplete', field: 'address', text: '' }] : [],
      },
    ],
  });
async function daysOf(handle: WorkflowHandle): Promise<number> {
  const { startTime, closeTime } = await handle.describe();
  return ((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / 86_400_000;
}

test('after the deadline the reviewers are reminded every day, and the decision still counts', async () => {
  const { handle } = await start();
  await temporal.sleep('79 hours');
  await reach(handle, (state) => state.reviewReminders === 3);
  expect(calls).toEqual(['check 1', 'remind 1', 'remind 2', 'remind 3']);
  expect(await decide(handle, 'approve')).toMatchObject({ accepted: true, phase: 'awaiting_top_up' });
  outside.toppedUp = true;
  await handle.signal(ADVERTISER_ONBOARDING.toppedUp);
  expect(await handle.result()).toMatchObject({ phase: 'completed' });
  expect(calls.at(-1)).toBe('invite');
});

test('nobody corrects a rejected application for thirty days: closed', async () => {
  const { handle } = await start();
  await decide(handle, 'reject');
  expect(await handle.result()).toMatchObject({ phase: 'closed', rejectionCodes: ['address_incomplete'] });
  expect(await daysOf(handle)).toBeCloseTo(30, 1);
  expect(calls).toEqual(['check 1', 'reject', 'close']);
});

test('submitted again on the last day, told twice: checked once more; an old version is no news', async () => {
  const { advertiserId, handle } = await start();
  await decide(handle, 'reject');
  await temporal.sleep('29 days');
  await submitAdvertiserOnboarding(temporal.client, { advertiserId, version: 1 });
  await reach(handle, (state) => state.phase === 'rejected');
  outside.version = 2;
  await submitAdvertiserOnboarding(temporal.client, { advertiserId, version: 2 });
  await submitAdvertiserOnboarding(temporal.client, { advertiserId, version: 2 });
  await reach(handle, (state) => state.phase === 'in_review' && state.version === 2);
  expect(calls).toEqual(['check 1', 'reject', 'check 2']);
  await decide(handle, 'approve');
  outside.toppedUp = true;
  await handle.result();
});

test('a lost signal of the first money does no harm, and nobody is waited for without end', async () => {
  const found = await start();
  await decide(found.handle, 'approve');
  await temporal.sleep('5 hours');
  outside.toppedUp = true;
  expect(await found.handle.result()).toMatchObject({ phase: 'completed' });
  expect(await daysOf(found.handle)).toBeCloseTo(1, 0);
  outside.toppedUp = false;
  const patient = await start();
  await decide(patient.handle, 'approve');
  expect(await patient.handle.result()).toMatchObject({ phase: 'completed' });
  expect(await daysOf(patient.handle)).toBeCloseTo(TOP_UP_PATIENCE_DAYS, 0);
  expect(calls.filter((call) => call === 'invite')).toHaveLength(1);
});
