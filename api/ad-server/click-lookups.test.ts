import { expect, it } from 'vitest';
import { type ClickId, isClickId } from '../../domain/click-id.js';
import { createClickLookup } from './click-lookups.js';

const CLICK = '01930000-0000-7000-8000-000000000000';
function clickId(): ClickId {
  if (!isClickId(CLICK)) throw new Error('not a click id');
  return CLICK;
}
const UNAVAILABLE = { ok: false, error: { code: 'dependency_unavailable', retryAfterSeconds: 1 } };

it('a database that hangs is met by a hundred look-ups, not by a flood, and is asked again when it is back', async () => {
  const answers: (() => void)[] = [];
  let isHanging = true;
  const lookUp = createClickLookup({
    find: () =>
      new Promise((resolve) => {
        if (isHanging) answers.push(() => resolve(null));
        else resolve(null);
      }),
    onError: () => undefined,
  });
  let ended = 0;
  const waiting = Array.from({ length: 100 }, async () => {
    const answer = await lookUp(clickId());
    ended += 1;
    return answer;
  });
  expect(await lookUp(clickId())).toMatchObject(UNAVAILABLE);
  // At once: those whose time runs out still wait.
  expect(ended).toBe(0);
  for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject(UNAVAILABLE);
  // Nobody waits any more, but the database still works on all of them.
  expect(await lookUp(clickId())).toMatchObject(UNAVAILABLE);
  expect(answers).toHaveLength(100);
  isHanging = false;
  for (const answer of answers) answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await lookUp(clickId())).toEqual({ ok: true, value: null });
});

it('a failure is told with a next step and noted', async () => {
  const noted: unknown[] = [];
  const refusal = new Error('connection refused');
  const lookUp = createClickLookup({
    find: () => Promise.reject(refusal),
    onError: (error) => noted.push(error),
  });
  expect(await lookUp(clickId())).toMatchObject(UNAVAILABLE);
  expect(noted).toEqual([refusal]);
});
