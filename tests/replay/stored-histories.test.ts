import { readdirSync, readFileSync } from 'node:fs';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, test } from 'vitest';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';

/**
 * Histories of real runs, `<workflow>.<way>.json`, taken with `temporal workflow show --workflow-id <id> --output json`.
 * A change of a workflow that breaks one of these would break the runs that are open at that moment: put it behind
 * `patched`, and add a history of the new way.
 */
const FOLDER = new URL('./histories/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');
const histories = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .sort();

let code: string;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  ({ code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    logger: new DefaultLogger('ERROR'),
  }));
}, 120_000);

test('there are histories of each way that money and people can go', () => {
  expect(histories).toEqual([
    'advertiser-onboarding.rejected-resubmitted-approved-topped-up.json',
    'campaign-lifecycle.approved-changed-ended.json',
    'campaign-lifecycle.continued-run.json',
    'campaign-lifecycle.rejected-resubmitted-approved-by-signal.json',
    'daily-invalid-clicks.found.json',
    'daily-settlement.completed.json',
    'invalid-click-reversal.signal-ignored-confirmed-in-chunks.json',
    'invalid-click-reversal.withdrawn.json',
    'top-up.card-refused-then-confirmed.json',
    'top-up.virtual-account-deposited.json',
  ]);
});

test.each(histories)(
  '%s replays',
  async (name) => {
    await Worker.runReplayHistory({ workflowBundle: { code } }, JSON.parse(read(name)));
  },
  60_000,
);

/** Each breaks one workflow on purpose, so that a replay which notices nothing is noticed. */
test.each([
  [
    'advertiser-onboarding.rejected-resubmitted-approved-topped-up.json',
    '.hasToppedUp({',
    '.planResubmission({',
  ],
  ['campaign-lifecycle.approved-changed-ended.json', '.planReview({', '.checkCampaignPolicy({'],
  ['daily-invalid-clicks.found.json', '.findBursts(', '.readFinding('],
  ['daily-settlement.completed.json', '.planSettlementChunks({', '.listOpenDays({'],
  [
    'invalid-click-reversal.signal-ignored-confirmed-in-chunks.json',
    '.reverseFindingChunk({',
    '.finishFinding({',
  ],
  ['top-up.card-refused-then-confirmed.json', '.confirmCardPayment({', '.openTopUp({'],
])(
  '%s finds a workflow out that takes its steps in another order',
  async (name, step, otherStep) => {
    const otherOrder = code.replace(step, otherStep);
    expect(otherOrder).not.toBe(code);
    await expect(
      Worker.runReplayHistory({ workflowBundle: { code: otherOrder } }, JSON.parse(read(name))),
    ).rejects.toThrow(DeterminismViolationError);
  },
  60_000,
);
