import { readdirSync, readFileSync } from 'node:fs';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, test } from 'vitest';
import { WORKFLOWS_PATH } from '../../processes/workflow-source.js';

/**
 * Histories of real campaigns, taken with `temporal workflow show --workflow-id campaign:<id> --output json`.
 * A change of the workflow that breaks one of these would break the campaigns that run at that moment: put it
 * behind `patched`, and add a history of the new way.
 */
const FOLDER = new URL('./histories/', import.meta.url);
const histories = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')] as const);

let code: string;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  ({ code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    logger: new DefaultLogger('ERROR'),
  }));
}, 60_000);

test('there are histories of each way that a campaign can go', () => {
  expect(histories.map(([name]) => name)).toEqual([
    'approved-changed-ended.json',
    'continued-run.json',
    'rejected-resubmitted-approved-by-signal.json',
  ]);
});

test.each(histories)(
  '%s replays',
  async (_name, json) => {
    await Worker.runReplayHistory({ workflowBundle: { code } }, JSON.parse(json));
  },
  30_000,
);

test('a workflow that takes its steps in another order is found out', async () => {
  const otherOrder = code.replace('.planReview({', '.checkCampaignPolicy({');
  expect(otherOrder).not.toBe(code);
  const json = histories[0]?.[1] ?? '';
  await expect(
    Worker.runReplayHistory({ workflowBundle: { code: otherOrder } }, JSON.parse(json)),
  ).rejects.toThrow(DeterminismViolationError);
}, 30_000);
