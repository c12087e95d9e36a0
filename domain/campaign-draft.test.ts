import { describe, expect, test } from 'vitest';
import {
  type CampaignDraft,
  campaignDraftProblems,
  type DraftContext,
  normaliseKeywords,
} from './campaign-draft.js';

const context: DraftContext = {
  today: '2026-03-10',
  bidFloorKrw: 50,
  ownProductIds: new Set(['p1', 'p2', ...Array.from({ length: 101 }, (_, i) => `q${i}`)]),
};
const draft: CampaignDraft = {
  name: '봄 신상 운동화',
  startDate: '2026-03-10',
  endDate: '2026-03-31',
  dailyBudgetKrw: 10_000,
  totalBudgetKrw: 100_000,
  productIds: ['p1', 'p2'],
  keywords: ['운동화', 'Running Shoes'],
  bids: [
    { placement: 'HOME', maxCpcKrw: 300 },
    { placement: 'SEARCH', maxCpcKrw: 1_000 },
  ],
};
const fieldsOf = (change: Partial<CampaignDraft>) =>
  campaignDraftProblems({ ...draft, ...change }, context).map((problem) => problem.field);
const bid = (maxCpcKrw: number) => ({
  bids: [{ placement: 'HOME', maxCpcKrw }],
  dailyBudgetKrw: 1_000_000_000,
  totalBudgetKrw: null,
});

test('a complete draft has no problem', () => {
  expect(campaignDraftProblems(draft, context)).toEqual([]);
});

describe('each wrong field is named', () => {
  test.each<[string, Partial<CampaignDraft>, string[]]>([
    ['blank name', { name: '  ' }, ['name']],
    ['long name', { name: '가'.repeat(81) }, ['name']],
    ['longest name', { name: '가'.repeat(80) }, []],
    ['no real dates', { startDate: '2026-02-3', endDate: 'tomorrow' }, ['startDate', 'endDate']],
    ['end before start', { startDate: '2026-03-12', endDate: '2026-03-11' }, ['endDate']],
    ['already over', { startDate: '2026-03-01', endDate: '2026-03-09' }, ['endDate']],
    ['ends today', { startDate: '2026-03-01', endDate: '2026-03-10' }, []],
    ['366 days', { endDate: '2027-03-10' }, []],
    ['367 days', { endDate: '2027-03-11' }, ['endDate']],
    ['no product', { productIds: [] }, ['productIds']],
    ['foreign product', { productIds: ['p1', 'x9'] }, ['productIds[1]']],
    ['product twice', { productIds: ['p1', 'p1'] }, ['productIds[1]']],
    ['100 products', { productIds: Array.from({ length: 100 }, (_, i) => `q${i}`) }, []],
    ['101 products', { productIds: Array.from({ length: 101 }, (_, i) => `q${i}`) }, ['productIds']],
    ['200 keywords', { keywords: Array.from({ length: 200 }, (_, i) => `k${i}`) }, []],
    ['201 keywords', { keywords: Array.from({ length: 201 }, (_, i) => `k${i}`) }, ['keywords']],
    ['201 spellings of one keyword', { keywords: Array.from({ length: 201 }, () => 'Shoes') }, []],
    ['blank keyword', { keywords: ['운동화', ' '] }, ['keywords[1]']],
    ['keyword of punctuation', { keywords: ['운동화', '?!'] }, ['keywords[1]']],
    ['long keyword', { keywords: ['a'.repeat(51)] }, ['keywords[0]']],
    ['SEARCH without keyword', { keywords: [] }, ['keywords']],
    ['no bid', { bids: [] }, ['bids']],
    ['unknown placement', { bids: [{ placement: 'FOOTER', maxCpcKrw: 100 }] }, ['bids[0].placement']],
    ['placement twice', { bids: [draft.bids, draft.bids].flat().slice(0, 3) }, ['bids[2].placement']],
    ['bid below the floor', bid(40), ['bids[0].maxCpcKrw']],
    ['bid at the floor', bid(50), []],
    ['bid at the ceiling', bid(100_000), []],
    ['bid above the ceiling', bid(100_010), ['bids[0].maxCpcKrw']],
    ['bid between steps', bid(105), ['bids[0].maxCpcKrw']],
    ['fraction of a won', bid(100.5), ['bids[0].maxCpcKrw']],
    ['daily budget below ten clicks', { dailyBudgetKrw: 9_999 }, ['dailyBudgetKrw']],
    ['total below daily', { totalBudgetKrw: 9_999 }, ['totalBudgetKrw']],
    ['no total', { totalBudgetKrw: null }, []],
    [
      'nothing right',
      { name: '', productIds: [], dailyBudgetKrw: 0 },
      ['name', 'productIds', 'dailyBudgetKrw'],
    ],
  ])('%s', (_name, change, fields) => {
    expect(fieldsOf(change)).toEqual(fields);
  });
});

test('keywords are kept once, in normal form, with the first spelling', () => {
  expect(normaliseKeywords(['Running  Shoes', 'runningshoes', ' ', 'ＲＵＮ'])).toEqual([
    { keyword: 'runningshoes', original: 'Running  Shoes' },
    { keyword: 'run', original: 'ＲＵＮ' },
  ]);
});
