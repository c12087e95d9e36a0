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

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'checkpoints-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function checkpoint(hash: string, job: string, number: number, ageS: number, complete = true): void {
  const folder = path.join(base, 'statement', hash, job, `chk-${number}`);
  mkdirSync(folder, { recursive: true });
  if (!complete) return;
  writeFileSync(path.join(folder, '_metadata'), 'x');
  const at = Date.now() / 1000 - ageS;
  utimesSync(path.join(folder, '_metadata'), at, at);
  utimesSync(path.join(base, 'statement', hash, job), at, at);
}

describe('checkpoints of a statement', () => {
  it('are offered newest first, complete ones of this statement text only', async () => {
    checkpoint('h1', 'job-a', 7, 100);
    checkpoint('h1', 'job-b', 2, 10);
    checkpoint('h1', 'job-b', 3, 0, false);
    checkpoint('h0', 'job-c', 9, 1);
    const store = new CheckpointStore(base, 'statement', 'h1');
    const found = (await store.newestFirst()).map((uri) => uri.split('/').slice(-2).join('/'));
    expect(found).toEqual(['job-b/chk-2', 'job-a/chk-7']);
  });

  it('are none when there is no folder yet', async () => {
    expect(await new CheckpointStore(`${base}/none`, 'statement', 'h1').newestFirst()).toEqual([]);
  });

  it('pruning keeps the running job and the two newest before it', async () => {
    for (const [job, ageS] of [
      ['a', 40],
      ['b', 30],
      ['c', 20],
      ['running', 50],
    ] as const)
      checkpoint('h1', job, 1, ageS);
    checkpoint('h0', 'old-text', 1, 5);
    const store = new CheckpointStore(base, 'statement', 'h1');
    await store.prune('running');
    expect(readdirSync(path.join(base, 'statement'))).toEqual(['h1']);
    expect(readdirSync(path.join(base, 'statement/h1')).sort()).toEqual(['b', 'c', 'running']);
  });

  it('the record says what was deployed', async () => {
    const store = new CheckpointStore(base, 'statement', 'h1');
    const record = {
      statementHash: 'h1',
      jobId: 'j',
      restoredFrom: null,
      submittedAt: '2026-01-01T00:00:00Z',
    };
    await store.writeRecord(record);
    expect(JSON.parse(readFileSync(path.join(store.folder, 'statement.json'), 'utf8'))).toEqual(record);
  });
});
