import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointStore } from './checkpoint-store.js';
import { readDesiredState, writeDesiredState } from './desired-state.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'checkpoints-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function complete(folder: string, ageS: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, '_metadata'), 'x');
  const at = Date.now() / 1000 - ageS;
  for (const aged of [path.join(folder, '_metadata'), folder, path.dirname(folder)]) utimesSync(aged, at, at);
}

const folderOf = (version: number, ...parts: string[]) =>
  path.join(base, 'statement', `state-${version}`, ...parts);
const tails = (uris: readonly string[]) => uris.map((uri) => uri.split('/').slice(-2).join('/'));

describe('states of a statement', () => {
  it('are offered newest first, complete ones of this version only, savepoints among them', async () => {
    complete(folderOf(2, 'job-a', 'chk-7'), 100);
    complete(folderOf(2, 'savepoints', 'savepoint-a-1'), 50);
    complete(folderOf(2, 'job-b', 'chk-2'), 10);
    mkdirSync(folderOf(2, 'job-b', 'chk-3'), { recursive: true });
    mkdirSync(folderOf(2, 'savepoints', 'savepoint-a-2'), { recursive: true });
    complete(folderOf(1, 'job-c', 'chk-9'), 1);
    const found = await new CheckpointStore(base, 'statement', 2).newestFirst();
    expect(tails(found)).toEqual(['job-b/chk-2', 'savepoints/savepoint-a-1', 'job-a/chk-7']);
  });

  it('are none when there is no folder yet', async () => {
    expect(await new CheckpointStore(`${base}/none`, 'statement', 1).newestFirst()).toEqual([]);
  });

  it('pruning keeps the running job, the newest before it, and the version before this one', async () => {
    for (const [job, ageS] of [
      ['a', 40],
      ['b', 30],
      ['c', 20],
      ['running', 50],
    ] as const)
      complete(folderOf(3, job, 'chk-1'), ageS);
    for (const number of [1, 2, 3, 4])
      complete(folderOf(3, 'savepoints', `savepoint-${number}`), 100 - number);
    for (const version of [1, 2, 4]) complete(folderOf(version, 'old', 'chk-1'), 5);
    mkdirSync(path.join(base, 'statement', 'ab12cd34ab12cd34'), { recursive: true });
    await new CheckpointStore(base, 'statement', 3).prune('running');
    expect(readdirSync(path.join(base, 'statement')).sort()).toEqual(['state-2', 'state-3']);
    expect(readdirSync(folderOf(3)).sort()).toEqual(['b', 'c', 'running', 'savepoints']);
    expect(readdirSync(folderOf(3, 'savepoints')).sort()).toEqual([
      'savepoint-2',
      'savepoint-3',
      'savepoint-4',
    ]);
  });

  it('the record says what was deployed', async () => {
    const store = new CheckpointStore(base, 'statement', 1);
    const record = {
      statementHash: 'h1',
      stateVersion: 1,
      jobId: 'j',
      restoredFrom: null,
      submittedAt: '2026-01-01T00:00:00Z',
    };
    await store.writeRecord(record);
    expect(JSON.parse(readFileSync(path.join(store.folder, 'statement.json'), 'utf8'))).toEqual(record);
  });
});

describe('what a person wants of a statement', () => {
  const stopped = { state: 'stopped', by: 'kim', at: '2026-01-01T00:00:00Z' } as const;

  it('outlives the process; nothing there means: it shall run', async () => {
    const folder = path.join(base, 'statement');
    expect(await readDesiredState(folder)).toBeUndefined();
    await writeDesiredState(folder, stopped);
    expect(await readDesiredState(folder)).toEqual(stopped);
  });

  it('is no start when it cannot be read', async () => {
    const folder = path.join(base, 'statement');
    await writeDesiredState(folder, stopped);
    writeFileSync(path.join(folder, 'desired.json'), '{"state":"stop');
    await expect(readDesiredState(folder)).rejects.toThrow('damaged');
  });
});
