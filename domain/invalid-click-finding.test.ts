import { describe, expect, it } from 'vitest';
import { DAY_MS } from './business-date.js';
import {
  criteriaProblem,
  decidedStatus,
  FINDING_STATUSES,
  type FindingCriteria,
  type LateRule,
  placesOf,
} from './invalid-click-finding.js';

const NOW = Date.UTC(2026, 10, 23);
const NOTHING: FindingCriteria = {
  fromMs: null,
  toMs: null,
  deviceHashes: [],
  ipHashes: [],
  campaignId: null,
  clickIds: [],
  clicksPerHour: null,
};
const A_DAY = { fromMs: NOW - 2 * DAY_MS, toMs: NOW - DAY_MS };
const problem = (rule: LateRule, criteria: Partial<FindingCriteria>) =>
  criteriaProblem(rule, { ...NOTHING, ...criteria }, NOW);

describe('what a late rule needs', () => {
  it.each<[LateRule, Partial<FindingCriteria>]>([
    ['manual', { clickIds: ['a'] }],
    ['manual', { ...A_DAY, campaignId: 'cmp' }],
    ['manual', { ...A_DAY, ipHashes: ['i'] }],
    ['bot_list_late', { ...A_DAY, deviceHashes: ['d'] }],
    ['device_burst_late', A_DAY],
    ['device_burst_late', { ...A_DAY, clicksPerHour: 30, deviceHashes: ['d'] }],
    ['manual', { fromMs: NOW - 31 * DAY_MS, toMs: NOW, campaignId: 'cmp' }],
  ])('%s is asked with %o', (rule, criteria) => {
    expect(problem(rule, criteria)).toBeNull();
  });

  it.each<[string, LateRule, Partial<FindingCriteria>]>([
    ['body.deviceHash', 'manual', A_DAY],
    ['body.deviceHash', 'bot_list_late', { ...A_DAY, campaignId: 'cmp' }],
    ['body.clickIds', 'bot_list_late', { clickIds: ['a'] }],
    ['body.clickIds', 'manual', { clickIds: ['a'], campaignId: 'cmp' }],
    ['body.clicksPerHour', 'manual', { ...A_DAY, campaignId: 'cmp', clicksPerHour: 30 }],
    ['body.from', 'device_burst_late', { toMs: NOW }],
    ['body.from', 'manual', { fromMs: Date.parse('0000-01-01T00:00:00Z'), toMs: NOW, campaignId: 'cmp' }],
    ['body.to', 'device_burst_late', { fromMs: NOW - DAY_MS }],
    ['body.to', 'device_burst_late', { fromMs: NOW, toMs: NOW }],
    ['body.to', 'device_burst_late', { fromMs: NOW - DAY_MS, toMs: NOW + 1 }],
    ['body.to', 'device_burst_late', { fromMs: NOW - 7 * DAY_MS - 1, toMs: NOW }],
    ['body.to', 'manual', { fromMs: NOW - 31 * DAY_MS - 1, toMs: NOW, campaignId: 'cmp' }],
  ])('%s is named: %s with %o', (name, rule, criteria) => {
    expect(problem(rule, criteria)).toMatchObject({ field: name, code: 'invalid_criteria' });
    expect(problem(rule, criteria)?.nextStep).toBeTruthy();
  });
});

describe('where clicks of a period can be', () => {
  it('a token of the last half hour of a month is clicked in the next one', () => {
    const december = Date.parse('2026-12-01T00:00:00+09:00');
    expect(placesOf(december + 30 * 60_000 - 1, december + DAY_MS)).toEqual({
      months: ['2026-11-01', '2026-12-01'],
      bookedFrom: '2026-12-01',
    });
    expect(placesOf(december + 30 * 60_000, december + DAY_MS).months).toEqual(['2026-12-01']);
  });
});

describe('a decision', () => {
  it('is taken once, repeated without harm, and never turned round', () => {
    const answers = FINDING_STATUSES.map((status) =>
      (['confirm', 'withdraw'] as const).map((verdict) => {
        const answer = decidedStatus(status, verdict);
        return answer.ok ? answer.value : answer.error.code;
      }),
    );
    expect(Object.fromEntries(FINDING_STATUSES.map((status, index) => [status, answers[index]]))).toEqual({
      waiting: ['reversing', 'withdrawn'],
      reversing: ['reversing', 'already_decided'],
      completed: ['completed', 'already_decided'],
      withdrawn: ['already_decided', 'withdrawn'],
      expired: ['already_decided', 'already_decided'],
    });
  });
});
