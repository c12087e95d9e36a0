import { randomUUID } from 'node:crypto';
import { type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, type Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CAMPAIGN_LIFECYCLE,
  type CampaignLifecycleState,
  type CommandAnswer,
  campaignWorkflowId,
  type SubmitReviewCommand,
} from '../../contracts/temporal/campaign-lifecycle.js';
import { COMMANDS_PER_RUN } from '../../domain/campaign-lifecycle.js';
import { startCampaignLifecycle, submitCampaignLifecycle } from '../../operations/campaign-workflow.js';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';
import { poll } from '../support/poll.js';
import { RecordingCampaignActivities } from '../support/recording-campaign-activities.js';
import { campaignWorkers, startTimeSkippingTemporal } from '../support/time-skipping-temporal.js';

const outside = new RecordingCampaignActivities();
let temporal: TestWorkflowEnvironment;
let workers: Worker[] = [];
let runs: Promise<void>[] = [];

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal();
  const bundle = await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH });
  workers = await campaignWorkers(temporal, bundle, outside.activities());
  runs = workers.map((worker) => worker.run());
});

afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await Promise.all(runs);
  await temporal?.teardown();
});

async function start(): Promise<{ campaignId: string; handle: WorkflowHandle }> {
  const campaignId = `cmp_${randomUUID()}`;
  await startCampaignLifecycle(temporal.client, { campaignId, advertiserId: 'adv_1' });
  const handle = temporal.client.workflow.getHandle(campaignWorkflowId(campaignId));
  return { campaignId, handle };
}

const stateOf = (handle: WorkflowHandle) => handle.query<CampaignLifecycleState>(CAMPAIGN_LIFECYCLE.state);

/** Workflow time from start to close. */
async function daysOf(handle: WorkflowHandle): Promise<number> {
  const { startTime, closeTime } = await handle.describe();
  return ((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / 86_400_000;
}

/** Without skipping time: the next workflow task is at hand. */
const reach = (handle: WorkflowHandle, reached: (state: CampaignLifecycleState) => boolean) =>
  poll('the lifecycle’s state', async () => {
    const state = await stateOf(handle);
    return reached(state) && state;
  });
const reachPhase = (handle: WorkflowHandle, phase: string) => reach(handle, (state) => state.phase === phase);

const decide = (handle: WorkflowHandle, command: Partial<SubmitReviewCommand>) =>
  handle.executeUpdate<CommandAnswer, [SubmitReviewCommand]>(CAMPAIGN_LIFECYCLE.submitReview, {
    args: [{ commandId: randomUUID(), verdict: 'approve', reviewerId: 'usr_admin', reasons: [], ...command }],
  });
const act = (handle: WorkflowHandle, name: 'pause' | 'resume' | 'end', commandId: string = randomUUID()) =>
  handle.executeUpdate<CommandAnswer, [unknown]>(CAMPAIGN_LIFECYCLE[name], {
    args: [{ commandId, actorId: 'usr_seller' }],
  });
const changeBids = (handle: WorkflowHandle, commandId: string) =>
  handle.executeUpdate<CommandAnswer, [unknown]>(CAMPAIGN_LIFECYCLE.changeBids, {
    args: [{ commandId, actorId: 'usr_seller', bids: [{ placement: 'HOME', maxCpcKrw: 200 }] }],
  });
const refusalOf = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  return error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : '';
};

async function startServing() {
  const started = await start();
  await reachPhase(started.handle, 'in_review');
  await decide(started.handle, {});
  await reach(started.handle, (state) => state.activation === 'active');
  return started;
}

describe('from submission to its end date', () => {
  test('approve, publish, acknowledge, serve thirty days, end: in this order and once each', async () => {
    const { campaignId, handle } = await start();
    await startCampaignLifecycle(temporal.client, { campaignId, advertiserId: 'adv_1' });
    const inReview = await reachPhase(handle, 'in_review');
    expect(inReview.policyFindings).toEqual(['tobacco: 담배 (name)']);
    expect(await decide(handle, {})).toMatchObject({ accepted: true, phase: 'activating' });
    const state: CampaignLifecycleState = await handle.result();
    expect(await daysOf(handle)).toBeCloseTo(30, 1);
    expect(state).toMatchObject({ phase: 'ended', version: 2, publishedVersion: 2, decidedVia: 'update' });
    expect(outside.names(campaignId)).toEqual([
      'checkCampaignPolicy',
      'planReview',
      'recordReviewDecision',
      'activateCampaign',
      'planServing',
      'publishCampaignSnapshot',
      'awaitRankingAcknowledgement',
      'applyCampaignChange',
      'publishCampaignSnapshot',
      'awaitRankingAcknowledgement',
    ]);
    expect(outside.inputs(campaignId, 'applyCampaignChange')).toEqual([
      { campaignId, actorId: null, expectedVersion: 1, change: { kind: 'end' } },
    ]);
  });

  test('search attributes tell whose campaign it is and where it stands', async () => {
    const { campaignId, handle } = await startServing();
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({
      CampaignId: [campaignId],
      AdvertiserId: ['adv_1'],
      Phase: ['serving'],
      ReviewStatus: ['approved'],
    });
    await act(handle, 'end');
    await handle.result();
  });

  test('a clock that moved past the end date ends the campaign now', async () => {
    const { campaignId, handle } = await startServing();
    outside.outside(campaignId).endsInMs = 0;
    await handle.signal(CAMPAIGN_LIFECYCLE.clockMoved);
    expect(await handle.result()).toMatchObject({ phase: 'ended' });
  });
});

describe('review', () => {
  test('a wrong decision is refused at once and leaves no trace', async () => {
    const { campaignId, handle } = await start();
    await reachPhase(handle, 'in_review');
    expect(await refusalOf(decide(handle, { verdict: 'maybe' as 'approve' }))).toContain('unknown verdict');
    expect(await refusalOf(decide(handle, { verdict: 'reject' }))).toContain('at least one reason');
    expect(await refusalOf(act(handle, 'pause'))).toContain('not serving yet');
    expect(outside.names(campaignId)).not.toContain('recordReviewDecision');
    expect((await stateOf(handle)).recentCommandIds).toEqual([]);
    await decide(handle, {});
    expect(await refusalOf(decide(handle, {}))).toContain('not in review');
    await reachPhase(handle, 'serving');
    await act(handle, 'end');
    await handle.result();
  });

  test('a repeated command id gets its first answer, at the same time and after everything has moved on', async () => {
    const { campaignId, handle } = await start();
    await reachPhase(handle, 'in_review');
    const commandId = randomUUID();
    const [first, twin] = await Promise.all([decide(handle, { commandId }), decide(handle, { commandId })]);
    await reachPhase(handle, 'serving');
    const late = await decide(handle, { commandId, verdict: 'reject', reasons: ['too late'] });
    expect([twin, late]).toEqual([first, first]);
    expect(outside.inputs(campaignId, 'recordReviewDecision')).toHaveLength(1);
    await act(handle, 'end');
    await handle.result();
  });

  test('two reviewers at once: one decides, the other is told', async () => {
    const { campaignId, handle } = await start();
    outside.outside(campaignId).reviewers = ['usr_a', 'usr_b'];
    await reachPhase(handle, 'in_review');
    const answers = await Promise.all([
      decide(handle, { reviewerId: 'usr_a' }),
      decide(handle, { reviewerId: 'usr_b', verdict: 'reject', reasons: ['blurred picture'] }),
    ]);
    expect(answers.filter((answer) => answer.accepted)).toHaveLength(1);
    expect(answers.find((answer) => !answer.accepted)?.why).toContain('not in review');
    expect(outside.inputs(campaignId, 'recordReviewDecision')).toHaveLength(1);
    await handle.result();
  });

  test('signals decide as updates do; one that may not decide stays visible', async () => {
    const { handle } = await start();
    await reachPhase(handle, 'in_review');
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: 'usr_stranger' });
    const ignored = await reach(handle, (state) => state.ignoredDecision !== null);
    expect(ignored).toMatchObject({
      phase: 'in_review',
      ignoredDecision: { by: 'usr_stranger', why: 'only an admin may decide on campaigns' },
    });
    await handle.signal(CAMPAIGN_LIFECYCLE.approve);
    await reach(handle, (state) => state.ignoredDecision?.why === 'a decision names its reviewer');
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: 'usr_admin' });
    const serving = await reachPhase(handle, 'serving');
    expect(serving).toMatchObject({ decidedBy: 'usr_admin', decidedVia: 'signal' });
    await act(handle, 'end');
    await handle.result();
  });

  test('text that cannot be stored is refused, and what only the database refuses does not end the campaign', async () => {
    const { campaignId, handle } = await start();
    await reachPhase(handle, 'in_review');
    expect(await refusalOf(decide(handle, { verdict: 'reject', reasons: ['a\u0000b'] }))).toContain(
      'not valid text',
    );
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: { toString: 1 } });
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: 'usr\u0000' });
    await reach(handle, (state) => state.ignoredDecision?.why === 'the reviewer is not named in valid text');
    outside.outside(campaignId).refusesData = true;
    await handle.signal(CAMPAIGN_LIFECYCLE.approve, { reviewerId: 'usr_admin' });
    await reach(handle, (state) => state.ignoredDecision?.why === 'what was sent cannot be stored');
    expect(await decide(handle, {})).toMatchObject({ accepted: false, phase: 'in_review' });
    outside.outside(campaignId).refusesData = false;
    expect(await decide(handle, {})).toMatchObject({ accepted: true });
    await reachPhase(handle, 'serving');
    outside.outside(campaignId).refusesData = true;
    expect(await act(handle, 'pause')).toMatchObject({ accepted: false, phase: 'serving' });
    outside.outside(campaignId).refusesData = false;
    await act(handle, 'end');
    await handle.result();
  });

  test('after the deadline the reviewers are reminded every day, and the decision still counts', async () => {
    const { campaignId, handle } = await start();
    await reachPhase(handle, 'in_review');
    await temporal.sleep('75 hours');
    expect((await reach(handle, (state) => state.reviewReminders === 3)).phase).toBe('in_review');
    expect(outside.inputs(campaignId, 'escalateReview')).toEqual([
      { campaignId, reminder: 1 },
      { campaignId, reminder: 2 },
      { campaignId, reminder: 3 },
    ]);
    expect(await decide(handle, {})).toMatchObject({ accepted: true });
    await reachPhase(handle, 'serving');
    await act(handle, 'end');
    await handle.result();
  });

  test('nobody decides before the end date: rejected; nobody corrects it for thirty days: closed', async () => {
    const { campaignId, handle } = await start();
    outside.outside(campaignId).expiresInMs = 36 * 3_600_000;
    const state = await handle.result();
    expect(await daysOf(handle)).toBeCloseTo(31.5, 1);
    expect(state).toMatchObject({ phase: 'ended', version: 0, publishedVersion: 0, activation: 'none' });
    expect(outside.names(campaignId).slice(-3)).toEqual([
      'escalateReview',
      'expireReview',
      'closeRejectedCampaign',
    ]);
  });

  test('rejected, corrected, submitted again, approved', async () => {
    const { campaignId, handle } = await start();
    await submitCampaignLifecycle(temporal.client, { campaignId, advertiserId: 'adv_1' });
    await reachPhase(handle, 'in_review');
    await decide(handle, { verdict: 'reject', reasons: ['blurred picture'] });
    const rejected = await reachPhase(handle, 'rejected');
    expect(rejected.rejectionReasons).toEqual(['blurred picture']);
    await temporal.sleep('29 days');
    expect((await stateOf(handle)).phase).toBe('rejected');
    await submitCampaignLifecycle(temporal.client, { campaignId, advertiserId: 'adv_1' });
    await reachPhase(handle, 'in_review');
    await decide(handle, {});
    expect(await handle.result()).toMatchObject({ phase: 'ended', version: 2, rejectionReasons: [] });
  });
});

describe('while serving', () => {
  test('pause, resume, bids, budget and end: each a new version, published in order', async () => {
    const { campaignId, handle } = await startServing();
    expect(await act(handle, 'pause')).toMatchObject({ accepted: true, phase: 'paused', version: 2 });
    expect(await refusalOf(act(handle, 'pause'))).toContain('already paused');
    expect(await changeBids(handle, randomUUID())).toMatchObject({
      accepted: true,
      phase: 'paused',
      version: 3,
    });
    expect(await act(handle, 'resume')).toMatchObject({ phase: 'serving', version: 4 });
    expect(await act(handle, 'end')).toMatchObject({ phase: 'ended', version: 5 });
    const state = await handle.result();
    expect(state).toMatchObject({ phase: 'ended', version: 5, publishedVersion: 5 });
    const published = outside
      .inputs(campaignId, 'publishCampaignSnapshot')
      .map((input) => (input as { version: number }).version);
    expect(published).toEqual([...published].sort((a, b) => a - b));
    expect(published.at(-1)).toBe(5);
  });

  test('a ranking that does not answer is reported, asked again, and blocks nothing', async () => {
    const { campaignId, handle } = await start();
    outside.outside(campaignId).acknowledgement = 'not_acknowledged';
    await reachPhase(handle, 'in_review');
    await decide(handle, {});
    await reach(handle, (state) => state.activation === 'not_acknowledged');
    outside.outside(campaignId).acknowledgement = 'active_below_shown_range';
    await temporal.sleep('6 minutes');
    await reach(handle, (state) => state.activation === 'active_below_shown_range');
    expect(await act(handle, 'end')).toMatchObject({ accepted: true });
    await handle.result();
  });

  test('after many commands a new run continues with the same state and remembers the last answers', async () => {
    const { handle } = await startServing();
    const first = (await handle.describe()).runId;
    const answers: CommandAnswer[] = [];
    while (answers.length < COMMANDS_PER_RUN) {
      const batch = Array.from({ length: 25 }, (_, index) => `command-${answers.length + index}`);
      answers.push(...(await Promise.all(batch.map((commandId) => changeBids(handle, commandId)))));
    }
    expect(answers.every((answer) => answer.accepted)).toBe(true);
    expect(new Set(answers.map((answer) => answer.version)).size).toBe(COMMANDS_PER_RUN);
    await poll('a new run', async () => (await handle.describe()).runId !== first);
    const last = COMMANDS_PER_RUN - 1;
    expect(await changeBids(handle, `command-${last}`)).toEqual(answers.at(last));
    const version = 1 + COMMANDS_PER_RUN;
    expect(await stateOf(handle)).toMatchObject({ phase: 'serving', version });
    expect(await act(handle, 'end')).toMatchObject({ accepted: true, version: version + 1 });
    expect(await handle.result()).toMatchObject({ phase: 'ended', publishedVersion: version + 1 });
  });
});
