import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getOnce } from './get-once.mjs';
import { identityOf, isAlive, lockHolder, tryLock } from './lock.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ads-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A real process, since identities are read from the operating system. */
function sleeper() {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('node cannot be started');
  return { child, pid: child.pid };
}

test('a process is recognised by its start time, not by its id alone', () => {
  const me = identityOf(process.pid);
  if (me === undefined) throw new Error('this process has no identity');
  expect(isAlive(me)).toBe(true);
  expect(isAlive({ ...me, startedAt: 'another start' })).toBe(false);
  expect(isAlive({ ...me, bootId: 'another boot' })).toBe(false);
});

test('a lock is held once and can be taken again after its release', () => {
  const path = join(folder, 'a.lock');
  const release = tryLock(path, { dataDir: '/data' });
  expect(release).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  expect(lockHolder(path)).toMatchObject({ pid: process.pid, dataDir: '/data' });
  release?.();
  expect(lockHolder(path)).toBeUndefined();
  expect(tryLock(path)).toBeDefined();
});

test('the lock of a dead process is taken over, that of a living one is not', async () => {
  const path = join(folder, 'b.lock');
  const { child, pid } = sleeper();
  writeFileSync(path, JSON.stringify(identityOf(pid)));
  expect(tryLock(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(tryLock(path)).toBeDefined();
  expect(lockHolder(path)?.pid).toBe(process.pid);
});

test('an interrupted get is repeated, and its leftovers go away', async () => {
  const target = join(folder, 'component');
  await expect(
    getOnce(target, async (staging) => {
      writeFileSync(join(staging, 'half'), 'x');
      throw new Error('the connection broke');
    }),
  ).rejects.toThrow('the connection broke');
  expect(existsSync(target)).toBe(false);

  const result = await getOnce(target, async (staging) => writeFileSync(join(staging, 'whole'), 'xyz'));
  expect(result).toMatchObject({ cached: false, bytes: 3 });
  expect(readFileSync(join(target, 'whole'), 'utf8')).toBe('xyz');
  expect(readdirSync(folder)).toEqual(['component']);
});

test('callers at the same time get it once', async () => {
  const target = join(folder, 'shared');
  let fills = 0;
  const fill = async (staging: string) => {
    fills += 1;
    writeFileSync(join(staging, 'file'), 'x');
  };
  const results = await Promise.all([getOnce(target, fill), getOnce(target, fill), getOnce(target, fill)]);
  expect(fills).toBe(1);
  expect(results.filter((result) => result.cached)).toHaveLength(2);
});
