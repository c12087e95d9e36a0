import { afterAll, beforeAll, expect, test } from 'vitest';
import { playStory } from '../../outside/demo/story.js';
import { acquireFreeSlot } from '../../stack/slots.js';
import { type Stack, startStack } from '../../stack/start-stack.js';
import { reconcileReport, runMain } from '../support/main-command.js';
import { stageOn } from '../support/stage.js';

/** The built product as a person starts it, on a slot of its own: only HTTP and the Temporal CLI touch it. */
const START_WITHIN_MS = 240_000;
const STORY_WITHIN_MS = 300_000;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    slot: await acquireFreeSlot(),
    fresh: true,
    quiet: true,
    env: { SHOP_TRAFFIC: 'off' },
  });
  const seeded = await runMain(stack.env, ['seed', '--sellers', '6', '--campaigns-per-seller', '1']);
  expect(seeded.exitCode, seeded.stderr).toBe(0);
}, START_WITHIN_MS);
afterAll(() => stack?.stop(), 60_000);

test(
  'the whole business flow, from an application to an accepted tax invoice',
  async () => {
    const told: string[] = [];
    const stage = stageOn(stack, {
      chapter: (title) => told.push(title),
      tell: (what, detail) => told.push(`${what}: ${detail ?? ''}`),
      check: (claim, held, detail) => {
        told.push(`${claim}: ${detail ?? ''}`);
        expect(held, [claim, detail, ...told.slice(-5)].join('\n')).toBe(true);
      },
    });
    const end = await playStory(stage);
    expect(end.chargedKrw).toBeGreaterThan(0);
    const report = await reconcileReport(stack.env);
    expect(report.invariants.filter((invariant) => !invariant.ok)).toEqual([]);
  },
  STORY_WITHIN_MS,
);
