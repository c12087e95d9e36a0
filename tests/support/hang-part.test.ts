import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { hang } from './hang-part.js';
import { poll } from './poll.js';

let parent: ChildProcess | undefined;
afterEach(() => {
  if (parent?.pid !== undefined) process.kill(-parent.pid, 'SIGKILL');
  parent = undefined;
});

/** A shell and a child of it, in a group of their own. */
async function family(): Promise<readonly [pid: number, child: number]> {
  parent = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { detached: true });
  const { pid, stdout } = parent;
  if (pid === undefined || stdout === null) throw new Error('not started');
  const text = await new Promise<string>((resolve) => stdout.once('data', (data) => resolve(String(data))));
  return [pid, Number(text)];
}

/** As the kernel says: T is stopped, S sleeps. */
const stateOf = (pid: number) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
const until = (pids: readonly number[], state: string) =>
  poll(`all are ${state}`, async () => pids.every((pid) => stateOf(pid) === state));

it('a process and its children stand still, and go on', async () => {
  const pids = await family();
  const awake = await hang(pids[0], 60_000);
  await until(pids, 'T');
  await awake();
  await until(pids, 'S');
  await awake();
});

it('they go on by themselves when whoever stopped them is gone', async () => {
  const pids = await family();
  // The spare time is taken off, but for what it takes to see them stand still.
  await hang(pids[0], -25_000);
  await until(pids, 'T');
  await until(pids, 'S');
});

it('a part that ended meanwhile needs no waking, and what is not a process of ours is refused', async () => {
  const [pid] = await family();
  const awake = await hang(pid, 60_000);
  process.kill(-pid, 'SIGKILL');
  await new Promise((resolve) => parent?.once('exit', resolve));
  parent = undefined;
  await awake();
  for (const wrong of [0, 1, -5, Number.NaN])
    await expect(hang(wrong, 1_000)).rejects.toThrow('not a process');
});
