import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SetAsideQueue } from './set-aside-queue.js';

/** A store that takes a record when the test says so. */
function slowStore() {
  const waiting: { record: string; answer: (written: boolean) => void; fail: (error: Error) => void }[] = [];
  const write = (record: string) =>
    new Promise<boolean>((answer, fail) => waiting.push({ record, answer, fail }));
  return { write, waiting };
}

test('records are written one at a time, in their order, whoever hands them in', async () => {
  const { write, waiting } = slowStore();
  const queue = new SetAsideQueue(10, write);
  const both = [queue.add(['a', 'b']), queue.add(['c'])];
  const seen: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    await turn();
    expect(waiting).toHaveLength(1);
    const [next] = waiting.splice(0);
    seen.push(next?.record ?? '');
    next?.answer(true);
  }
  expect(await Promise.all(both.map(({ done }) => done))).toEqual([true, true]);
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('who reads on waits while too many are held, and no longer', async () => {
  const { write, waiting } = slowStore();
  const queue = new SetAsideQueue(2, write);
  await queue.add(['a', 'b']).room;
  let hasRoom = false;
  const { room } = queue.add(['c']);
  const seen = room.then(() => {
    hasRoom = true;
  });
  for (let written = 0; written < 3; written += 1) {
    await turn();
    expect(hasRoom).toBe(false);
    waiting.shift()?.answer(true);
  }
  await seen;
  expect(hasRoom).toBe(true);
});

test('a record that cannot be written fails its own, and holds up nobody behind it', async () => {
  const { write, waiting } = slowStore();
  const queue = new SetAsideQueue(0, write);
  const broken = queue.add(['a']);
  const next = queue.add(['b']);
  await turn();
  waiting.shift()?.fail(new Error('refused'));
  await expect(broken.done).rejects.toThrow('refused');
  await broken.room;
  await turn();
  waiting.shift()?.answer(false);
  expect(await next.done).toBe(false);
});
