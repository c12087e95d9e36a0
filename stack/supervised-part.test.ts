import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { poll } from '../tests/support/poll.js';
import { locksRoot } from './bootstrap/places.mjs';
import { endLeftovers, groupExists, recordChild } from './leftovers.js';
import type { Part } from './part.js';
import { acquireFreeSlot, acquireSlot, portsOf } from './slots.js';
import { SupervisedPart } from './supervised-part.js';

/** Real processes (small Node programs) under the real supervisor; locks and records in a folder of their own. */

const SLOT = 9;
const systemTemp = process.env.TMPDIR;
let folder = '';
const running: SupervisedPart[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ads-supervisor-'));
  process.env.TMPDIR = folder;
});
afterEach(async () => {
  for (const part of running.splice(0)) await part.stop();
});
afterAll(() => {
  if (systemTemp === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = systemTemp;
  rmSync(folder, { recursive: true, force: true });
});

function supervise(program: string, overrides: Partial<Part> = {}, lines: string[] = []): SupervisedPart {
  const part: Part = {
    name: 'program',
    version: '1',
    kind: 'service',
    artefacts: [],
    needs: [],
    prepare: async () => undefined,
    command: () => ({ file: process.execPath, args: ['-e', program] }),
    ready: async () => true,
    readyDeadlineMs: 30_000,
    stop: { signal: 'SIGTERM', timeoutMs: 1_000 },
    ...overrides,
  };
  const context = { slot: SLOT, ports: portsOf(SLOT), dataDir: folder, env: {} };
  const supervised = new SupervisedPart(part, context, {
    say: (line) => lines.push(line),
    changed: () => undefined,
  });
  running.push(supervised);
  return supervised;
}

const FOR_EVER = 'setInterval(() => {}, 1000)';

function pidOf(part: SupervisedPart): number {
  const { pid } = part.status();
  if (pid === undefined) throw new Error('it is not running');
  return pid;
}

test('a killed part comes back as another process, and the restart is told', async () => {
  const lines: string[] = [];
  const part = supervise(FOR_EVER, {}, lines);
  await part.start();
  const first = pidOf(part);
  part.kill('SIGKILL');
  await part.waitReady(30_000);
  expect(pidOf(part)).not.toBe(first);
  expect(part.status()).toMatchObject({ state: 'ready', restarts: 1 });
  expect(lines).toEqual(['program: ended (SIGKILL), starting again in 500 ms']);
});

test('a part that is killed while it is asked whether it is ready comes back', async () => {
  let asked = 0;
  const neverAnswered = new Promise<boolean>(() => undefined);
  const part = supervise(FOR_EVER, { ready: () => (++asked === 2 ? neverAnswered : Promise.resolve(true)) });
  await part.start();
  part.kill('SIGKILL');
  await poll('the second process is asked', async () => asked === 2);
  part.kill('SIGKILL');
  await part.waitReady(30_000);
  expect(part.status()).toMatchObject({ state: 'ready', restarts: 2 });
});

test('a part that cannot start fails with the end of its own log', async () => {
  const part = supervise('console.error("the port is taken"); process.exit(7)', { ready: async () => false });
  await expect(part.start()).rejects.toThrow(/does not start \(code 7\)[\s\S]*the port is taken/);
  expect(part.status().state).toBe('failed');
});

test('a one-shot step is done when it ends with code 0', async () => {
  const part = supervise('process.exit(0)', { kind: 'once' });
  await part.start();
  expect(part.status()).toMatchObject({ state: 'done', restarts: 0 });
});

test('a part that ignores the signal is killed with its whole group', async () => {
  const mark = join(folder, 'handler-is-set');
  const program = `
    const { spawn } = require('node:child_process');
    process.on('SIGTERM', () => {});
    spawn(process.execPath, ['-e', '${FOR_EVER}']);
    require('node:fs').writeFileSync(${JSON.stringify(mark)}, '');
    ${FOR_EVER}`;
  const lines: string[] = [];
  const part = supervise(program, { ready: async () => existsSync(mark) }, lines);
  await part.start();
  const pid = pidOf(part);
  await part.stop();
  expect(lines).toEqual(['program: still there after 1000 ms, killing it']);
  expect(groupExists(pid)).toBe(false);
  expect(part.status().state).toBe('stopped');
});

test('output goes to the log of the part', async () => {
  const part = supervise(`console.log('hello from the part'); ${FOR_EVER}`);
  await part.start();
  const log = join(folder, 'logs', 'program.log');
  const written = () => existsSync(log) && readFileSync(log, 'utf8').includes('hello from the part');
  await poll('the line is in the log', async () => written());
});

test('what a killed supervisor left behind is ended by the next one, and nothing else', async () => {
  const orphan = spawn(process.execPath, ['-e', FOR_EVER], { detached: true, stdio: 'ignore' });
  const stranger = spawn(process.execPath, ['-e', FOR_EVER], { detached: true, stdio: 'ignore' });
  if (orphan.pid === undefined || stranger.pid === undefined) throw new Error('node cannot be started');
  recordChild(SLOT, 'orphan', orphan.pid);
  recordChild(SLOT, 'stranger', stranger.pid);
  // The id of the second one was given to another process since: its start time differs.
  const record = join(locksRoot(), `slot-${SLOT}.children.json`);
  const children = z
    .array(z.looseObject({ part: z.string() }))
    .parse(JSON.parse(readFileSync(record, 'utf8')));
  const changed = children.map((child) => (child.part === 'stranger' ? { ...child, startedAt: '1' } : child));
  writeFileSync(record, JSON.stringify(changed));
  const orphanExit = once(orphan, 'exit');
  await endLeftovers(SLOT);
  expect((await orphanExit)[1]).toBe('SIGTERM');
  expect(groupExists(stranger.pid)).toBe(true);
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});

test('a slot belongs to one process at a time', async () => {
  // One whose ports nobody has, whatever else runs on this machine.
  const { slot, release } = await acquireFreeSlot();
  await expect(acquireSlot(slot)).rejects.toThrow(`slot ${slot} is in use by process ${process.pid}`);
  release();
  (await acquireSlot(slot)).release();
});
