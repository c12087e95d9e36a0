import { expect, test } from 'vitest';
import type { ConversionReplayDiff } from '../operations/diff-conversion-replay.js';
import { diffCsv, diffTable } from './flink-replay-text.js';

const SUMS = {
  conversionsNow: 1,
  conversionsReplayed: 2,
  valueNowKrw: 3,
  valueReplayedKrw: 4,
  gained: 5,
  lost: 6,
  movedIn: 7,
  movedOut: 8,
  matchChanged: 9,
  clickChanged: 10,
};
const campaign = (advertiserId: string, campaignId: string) => ({ advertiserId, campaignId, ...SUMS });
const diff: ConversionReplayDiff = {
  replay: {
    id: 1,
    rules: { version: 2, clickWindowMs: 86_400_000, directFirst: true, indirectCounts: false },
    fromMs: 0,
    toMs: 1,
    logFromMs: 0,
    logEnds: {},
    askedRange: '..',
    state: 'done',
    detail: null,
    askedBy: 'kim',
    startedAt: new Date(0),
    finishedAt: new Date(1),
    conversions: 2,
    direct: 2,
    reversed: 0,
    valueKrw: 4,
    appliedNo: null,
    appliedAt: null,
    appliedBy: null,
  },
  campaigns: [campaign('a1', 'c1'), campaign('a1', 'c2'), campaign('a2', '=c3')],
  advertisers: [
    { advertiserId: 'a1', ...SUMS },
    { advertiserId: 'a2', ...SUMS },
  ],
  totals: SUMS,
};

test('pages follow each other until none is left, and every one ends with the sum', () => {
  const keys: string[] = [];
  let after: string | null = null;
  do {
    const page: string = diffTable(diff, { byAdvertiser: false, after, limit: 2 }) ?? '';
    const rows = page.split('\n').slice(1);
    expect(page).toContain('\nall 3 ');
    keys.push(...rows.filter((row) => /^a\d\//.test(row)).map((row) => row.split(' ')[0] ?? ''));
    after = /More: --after (\S+)/.exec(page)?.[1] ?? null;
  } while (after !== null);
  expect(keys).toEqual(['a1/c1', 'a1/c2', 'a2/=c3']);
});

test('a page after a row that is not there is none, rather than the first one again', () => {
  expect(diffTable(diff, { byAdvertiser: true, after: 'a1/c1', limit: 2 })).toBeNull();
  expect(diffTable(diff, { byAdvertiser: false, after: 'a1', limit: 2 })).toBeNull();
  expect(diffTable(diff, { byAdvertiser: true, after: 'a2', limit: 2 })).not.toContain('\na1');
});

test('the file holds every column in its order, and no cell that a spreadsheet takes for a formula', () => {
  expect([...diffCsv(diff)].slice(1)).toEqual([
    'a1,c1,1,2,3,4,5,6,7,8,9,10\r\n',
    'a1,c2,1,2,3,4,5,6,7,8,9,10\r\n',
    "a2,'=c3,1,2,3,4,5,6,7,8,9,10\r\n",
    ',total,1,2,3,4,5,6,7,8,9,10\r\n',
  ]);
});
