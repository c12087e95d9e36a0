import { describe, expect, test } from 'vitest';
import { startOfBusinessDate } from './business-date.js';
import {
  type DiagnosisFacts,
  diagnoseServing,
  FINDING_CODES,
  type LiveFacts,
  neededBid,
  servingStatusOf,
} from './serving-diagnosis.js';
import { explainFinding } from './serving-diagnosis-texts.js';
import type { OutcomeCounts, PlacementCounts, ServingSample } from './serving-outcome.js';
import { EVERYBODY } from './targeting.js';

const HOUR_MS = 3_600_000;
/** A Thursday, 12:00 in Korea. */
const NOON = startOfBusinessDate('2026-11-26') + 12 * HOUR_MS;
const NOTHING: PlacementCounts = { HOME: {}, CATEGORY: {}, PRODUCT_DETAIL: {}, SEARCH: {} };
const SERVED: OutcomeCounts = { won: 100 };

const live = (counts: OutcomeCounts, change: Partial<LiveFacts> = {}): LiveFacts => ({
  lastHour: { ...NOTHING, CATEGORY: counts },
  lastDay: { ...NOTHING, CATEGORY: counts },
  samples: [],
  acknowledgedVersion: 3,
  isRanked: null,
  ...change,
});
type Campaign = DiagnosisFacts['campaign'];
const facts = (change: Partial<DiagnosisFacts> = {}, campaign: Partial<Campaign> = {}): DiagnosisFacts => ({
  now: NOON,
  campaign: {
    status: 'enabled',
    reviewStatus: 'approved',
    startDate: '2026-11-01',
    endDate: '2026-11-30',
    targeting: EVERYBODY,
    servingVersion: 3,
    keywords: [],
    bids: [{ placement: 'CATEGORY', maxCpcKrw: 300 }],
    ...campaign,
  },
  campaignStop: null,
  advertiserStop: null,
  balanceKrw: 100_000,
  bidFloorKrw: 50,
  live: live(SERVED),
  ...change,
});
const lost = (change: Partial<ServingSample> = {}): ServingSample => ({
  at: NOON,
  placement: 'CATEGORY',
  target: 'shoes',
  adId: 'ad_own',
  outcome: 'outranked',
  ownRank: 9,
  slots: 5,
  slot: null,
  priceKrw: null,
  rankScore: 6_000_000,
  maxCpcKrw: 300,
  predictedCtrPpm: 20_000,
  lowestWinningScore: 8_000_000,
  lowestWinningPriceKrw: 310,
  ...change,
});
const rejected = { reviewStatus: 'rejected' } as const;
const SEARCH = { placement: 'SEARCH', maxCpcKrw: 300 } as const;
const CATEGORY = { placement: 'CATEGORY', maxCpcKrw: 300 } as const;
const paused = { reason: 'paused', untilDate: null } as const;
const spentToday = { reason: 'daily_budget_exhausted', untilDate: '2026-11-26' } as const;
const noMoney = { reason: 'balance_exhausted', untilDate: null } as const;

/** What is the case, the most important finding, and the status that follows. */
const CASES: readonly [string, DiagnosisFacts, string, string, string][] = [
  [
    'a draft',
    facts({}, { status: 'draft', reviewStatus: 'none', servingVersion: 0 }),
    'draft',
    'blocking',
    'draft',
  ],
  [
    'in review',
    facts({}, { status: 'draft', reviewStatus: 'pending', servingVersion: 0 }),
    'in_review',
    'blocking',
    'in_review',
  ],
  [
    'rejected',
    facts({}, { status: 'draft', reviewStatus: 'rejected', servingVersion: 0 }),
    'rejected',
    'blocking',
    'rejected',
  ],
  ['ended by a person', facts({}, { status: 'ended' }), 'ended', 'blocking', 'ended'],
  ['its last day is over', facts({}, { endDate: '2026-11-25' }), 'period_over', 'blocking', 'ended'],
  [
    'its first day is tomorrow',
    facts({}, { startDate: '2026-11-27' }),
    'not_started',
    'blocking',
    'scheduled',
  ],
  ['paused', facts({}, { status: 'paused' }), 'paused', 'blocking', 'paused'],
  ['paused by its stop', facts({ campaignStop: paused }), 'paused', 'blocking', 'paused'],
  [
    'a deposit was taken back',
    facts({ advertiserStop: { reason: 'payment_reversed', untilDate: null } }),
    'payment_reversed',
    'blocking',
    'stopped',
  ],
  [
    'no balance',
    facts({ advertiserStop: noMoney, campaignStop: spentToday }),
    'balance_exhausted',
    'blocking',
    'stopped',
  ],
  ['less than a click', facts({ balanceKrw: 49 }), 'balance_below_floor', 'blocking', 'stopped'],
  [
    'total budget',
    facts({ campaignStop: { reason: 'total_budget_exhausted', untilDate: null } }),
    'total_budget_exhausted',
    'blocking',
    'stopped',
  ],
  ['daily budget', facts({ campaignStop: spentToday }), 'daily_budget_exhausted', 'blocking', 'stopped'],
  [
    'the floor was raised above its only bid',
    facts({ bidFloorKrw: 310 }),
    'bid_below_floor',
    'blocking',
    'stopped',
  ],
  [
    'no keyword is left',
    facts({}, { bids: [SEARCH], keywords: [rejected, rejected] }),
    'keywords_rejected',
    'blocking',
    'stopped',
  ],
  [
    'never taken in',
    facts({ live: live({}, { acknowledgedVersion: null }) }),
    'not_acknowledged',
    'blocking',
    'waiting',
  ],
  [
    'an older version is served',
    facts({ live: live(SERVED, { acknowledgedVersion: 2 }) }),
    'not_acknowledged',
    'limiting',
    'serving',
  ],
  [
    'not its hour',
    facts({}, { targeting: { ...EVERYBODY, hours: [9] } }),
    'outside_schedule',
    'blocking',
    'scheduled',
  ],
  ['in no ranking', facts({ live: live({}, { isRanked: false }) }), 'outside_ranking', 'limiting', 'serving'],
  ['nobody asks', facts({ live: live({}, { isRanked: true }) }), 'no_queries', 'limiting', 'serving'],
  [
    'outranked',
    facts({ live: live({ won: 1, outranked: 9, not_examined: 90 }, { samples: [lost()] }) }),
    'below_shown_range',
    'limiting',
    'serving',
  ],
  [
    'few are targeted',
    facts({ live: live({ won: 50, not_targeted: 50 }) }),
    'targeting_narrow',
    'limiting',
    'serving',
  ],
  [
    'cannot afford',
    facts({ live: live({ won: 90, cannot_afford: 10 }) }),
    'cannot_afford',
    'limiting',
    'serving',
  ],
  ['paced', facts({ live: live({ won: 80, paced: 20 }) }), 'paced', 'limiting', 'serving'],
  ['not one won', facts({ live: live({ outranked: 5 }) }), 'not_won_yet', 'limiting', 'serving'],
  [
    'the product itself',
    facts({ live: live({ won: 80, viewed_product: 20 }) }),
    'viewed_product',
    'info',
    'serving',
  ],
  [
    'own ads',
    facts({ live: live({ won: 70, sibling_ranked_higher: 30 }) }),
    'own_siblings',
    'info',
    'serving',
  ],
  ['seen before', facts({ live: live({ won: 70, already_shown: 30 }) }), 'already_shown', 'info', 'serving'],
  ['all is well', facts(), 'served', 'info', 'serving'],
];

describe('the most important finding', () => {
  test.each(CASES)('%s', (_what, given, code, severity, status) => {
    const findings = diagnoseServing(given);
    expect([findings[0]?.code, findings[0]?.severity]).toEqual([code, severity]);
    expect(servingStatusOf(findings)).toBe(status);
  });

  test('every code is reached by a case, and every sentence has all its numbers', () => {
    const reached = CASES.flatMap(([, given]) => diagnoseServing(given));
    expect([...new Set(reached.map(({ code }) => code))].sort()).toEqual([...FINDING_CODES].sort());
    for (const finding of reached) {
      const texts = explainFinding(finding);
      expect(
        Object.values(texts).filter((text) => text === '' || /#\{|undefined|NaN|null/.test(text)),
      ).toEqual([]);
    }
  });
});

describe('findings side by side', () => {
  const codesOf = (given: DiagnosisFacts) => diagnoseServing(given).map(({ code }) => code);

  test('obstacles stand before limits, limits before remarks', () => {
    const counts = { won: 60, not_targeted: 100, viewed_product: 40 };
    expect(codesOf(facts({ campaignStop: spentToday, balanceKrw: 10, live: live(counts) }))).toEqual([
      'balance_below_floor',
      'daily_budget_exhausted',
      'targeting_narrow',
      'viewed_product',
    ]);
  });

  test('a stop that ended yesterday, and one that both scopes have, count as they hold', () => {
    const yesterday = { reason: 'daily_budget_exhausted', untilDate: '2026-11-25' } as const;
    expect(codesOf(facts({ campaignStop: yesterday }))).toEqual(['served']);
    expect(codesOf(facts({ campaignStop: noMoney, advertiserStop: noMoney, balanceKrw: 0 }))).toEqual([
      'balance_exhausted',
    ]);
  });

  test('while a change is in review the approved version is judged', () => {
    expect(codesOf(facts({}, { reviewStatus: 'pending' }))).toEqual(['in_review', 'served']);
  });

  test('one bid below the floor of two, or keywords of one placement of two, only limit', () => {
    const bids = [CATEGORY, SEARCH];
    const raised = [{ ...CATEGORY, maxCpcKrw: 40 }, SEARCH];
    const keywords = [{ reviewStatus: 'approved' }] as const;
    expect(diagnoseServing(facts({}, { bids: raised, keywords }))).toMatchObject([
      { code: 'bid_below_floor', severity: 'limiting', facts: { placement: 'CATEGORY', bidFloorKrw: 50 } },
      { code: 'served' },
    ]);
    expect(diagnoseServing(facts({}, { bids, keywords: [rejected] }))).toMatchObject([
      { code: 'keywords_rejected', severity: 'limiting', facts: { keywords: 1 } },
      { code: 'served' },
    ]);
  });

  test('without live numbers the books alone speak, and nothing is guessed', () => {
    expect(codesOf(facts({ live: null }))).toEqual([]);
    expect(codesOf(facts({ live: null, campaignStop: spentToday }))).toEqual(['daily_budget_exhausted']);
  });

  test('the last hour is judged, and the last day only when the hour is too short', () => {
    const day = { won: 60, not_targeted: 40 };
    const told = (hour: OutcomeCounts) =>
      facts({ live: live(day, { lastHour: { ...NOTHING, CATEGORY: hour } }) });
    expect(codesOf(told({ won: 9, not_targeted: 10 }))).toEqual(['served']);
    expect(diagnoseServing(told({ won: 10, not_targeted: 10 }))[0]).toMatchObject({
      code: 'targeting_narrow',
      facts: { sharePercent: 50, window: 'last_hour' },
    });
  });
});

describe('a campaign of several ads', () => {
  const codesOf = (counts: OutcomeCounts) =>
    diagnoseServing(facts({ live: live(counts) })).map(({ code }) => code);

  test('that wins every auction with one of them is not told to bid more, and won all of them', () => {
    const counts = { won: 100, sibling_not_examined: 200 };
    expect(codesOf(counts)).toEqual(['own_siblings', 'served']);
    const served = diagnoseServing(facts({ live: live(counts) })).at(-1);
    expect(served?.facts).toMatchObject({ won: 100, sharePercent: 100 });
  });

  test('is judged by auctions, not by ads', () => {
    const counts = { outranked: 5, sibling_not_examined: 10 };
    expect(diagnoseServing(facts({ live: live(counts) })).at(-1)?.facts.considered).toBe(5);
  });
});

test('what limits a campaign and "nothing to do" are never said together', () => {
  for (const [, given] of CASES) {
    const findings = diagnoseServing(given);
    const served = findings.find(({ code }) => code === 'served');
    const isLimited = findings.some(({ severity }) => severity === 'limiting');
    if (served) expect(/Nothing to do/.test(explainFinding(served).nextStepEn)).toBe(!isLimited);
  }
});

describe('the schedule', () => {
  const opensAt = (hours: number[], daysOfWeek: number[] = []) =>
    diagnoseServing(facts({}, { targeting: { ...EVERYBODY, hours, daysOfWeek }, endDate: '2026-12-31' }))[0]
      ?.facts.opensAt;

  test.each([
    [[13], [], '2026-11-26 13:00'],
    [[9], [], '2026-11-27 09:00'],
    [[], [3], '2026-12-02 00:00'],
    [[12], [3, 5], '2026-11-27 12:00'],
  ])('hours %j on days %j open next at %s', (hours, days, at) => {
    expect(opensAt(hours, days)).toBe(at);
  });

  test('never opens after the last day', () => {
    const targeting = { ...EVERYBODY, hours: [9] };
    const [told] = diagnoseServing(facts({}, { targeting, endDate: '2026-11-26' }));
    expect(told).toMatchObject({ code: 'outside_schedule', facts: { opensAt: null } });
    expect(told && explainFinding(told).en).toContain('left before the campaign ends');
  });

  test('the whole of the chosen hour is open, also just before its end', () => {
    const targeting = { ...EVERYBODY, hours: [12], daysOfWeek: [4] };
    const codes = (now: number) => diagnoseServing(facts({ now }, { targeting })).map(({ code }) => code);
    expect(codes(NOON + HOUR_MS - 1)).toEqual(['served']);
    expect(codes(NOON + HOUR_MS)[0]).toBe('outside_schedule');
  });
});

describe('the bid that is needed', () => {
  test('stands before the lowest winner and is a step of bids', () => {
    // 8,000,000 / 20,000 = 400 ties; 401 wins; bids are made in steps of 10.
    expect(neededBid([lost()])).toBe(410);
    expect(neededBid([lost({ lowestWinningScore: 8_180_000 })])).toBe(410);
    expect(neededBid([lost({ lowestWinningScore: 8_200_000 })])).toBe(420);
  });

  test('is the middle of several auctions, so that one strange auction does not decide', () => {
    const scores = [8_000_000, 90_000_000, 8_400_000, 2_000_000, 8_200_000];
    expect(neededBid(scores.map((lowestWinningScore) => lost({ lowestWinningScore })))).toBe(420);
  });

  test.each([
    ['nothing was sampled', []],
    ['a slot stayed free', [lost({ lowestWinningScore: null })]],
    ['the ad has no rate', [lost({ predictedCtrPpm: 0 })]],
    ['more than may be bid', [lost({ lowestWinningScore: 2_000_000_000 })]],
  ])('is unknown when %s', (_what, samples) => {
    expect(neededBid(samples)).toBeNull();
  });

  test('counts only lost auctions of this placement with the bid of now', () => {
    const samples = [
      lost({ maxCpcKrw: 200, lowestWinningScore: 9_000_000 }),
      lost({ placement: 'SEARCH', lowestWinningScore: 9_000_000 }),
      lost({ outcome: 'won', lowestWinningScore: 9_000_000 }),
      lost(),
    ];
    const counts = { won: 10, outranked: 10 };
    expect(diagnoseServing(facts({ live: live(counts, { samples }) }))[0]).toMatchObject({
      code: 'below_shown_range',
      facts: { neededBidKrw: 410, ownRank: 9, slots: 5, estimatedFromSamples: 1, lostPercent: 50 },
    });
    const none = diagnoseServing(facts({ live: live(counts) }))[0];
    expect(none?.facts.neededBidKrw).toBeNull();
    expect(none && explainFinding(none).nextStepEn).toContain('Raise the bid');
  });

  test('is not asked for once the bid was raised and has not lost since, though the hour holds the older losses', () => {
    const counts = { won: 10, outranked: 990 };
    const codes = (...samples: ServingSample[]) =>
      diagnoseServing(facts({ live: live(counts, { samples }) })).map(({ code }) => code);
    const before = lost({ maxCpcKrw: 200, rankScore: 4_000_000 });
    const since = lost({ outcome: 'won', slot: 1, priceKrw: 250 });
    expect(codes(since, before, before)).toEqual(['served']);
    expect(codes(before, before)).toEqual(['served']);
    expect(codes(lost(), since, before)[0]).toBe('below_shown_range');
    expect(codes(lost({ outcome: 'paced' }), lost())[0]).toBe('below_shown_range');
  });

  test('half of the auctions, rounded to a percent, is where it begins', () => {
    expect(diagnoseServing(facts({ live: live({ won: 101, outranked: 99 }) }))[0]?.code).toBe(
      'below_shown_range',
    );
    expect(diagnoseServing(facts({ live: live({ won: 102, outranked: 98 }) }))[0]?.code).toBe('served');
  });
});
