import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetCrossings } from './budget-crossing.js';
import type { CampaignFunds, ChargingState } from './charging.js';
import { toKrw } from './money.js';

const TODAY = '2026-11-23' as const;
const YESTERDAY = '2026-11-22' as const;

function campaign(spentTodayKrw: number, more: Partial<CampaignFunds> = {}): CampaignFunds {
  return {
    advertiserId: 'adv',
    dailyBudgetKrw: toKrw(1_000),
    spentTodayKrw: toKrw(spentTodayKrw),
    totalBudgetKrw: null,
    totalSpentKrw: toKrw(spentTodayKrw),
    stop: null,
    ...more,
  };
}

const stateOf = (funds: CampaignFunds): ChargingState => ({
  advertisers: new Map(),
  campaigns: new Map([['cmp', funds]]),
});

const crossed = (before: CampaignFunds, after: CampaignFunds, percents = new Map()) =>
  budgetCrossings(stateOf(before), stateOf(after), percents, TODAY).map(
    ({ kind, percent, basis }) => `${kind} ${percent} of ${basis}`,
  );

describe('shares of a budget that charges reach', () => {
  it('reaches a share with the won that completes it, not one earlier', () => {
    expect(crossed(campaign(0), campaign(499))).toEqual([]);
    expect(crossed(campaign(499), campaign(500))).toEqual([`daily_budget 50 of ${TODAY}`]);
    expect(crossed(campaign(500), campaign(799))).toEqual([]);
  });

  it('names every share that one batch jumps over, lowest first', () => {
    expect(crossed(campaign(0), campaign(1_000))).toEqual(
      [50, 80, 100].map((p) => `daily_budget ${p} of ${TODAY}`),
    );
  });

  it('a total budget counts by itself, with its won as the basis', () => {
    const total = { totalBudgetKrw: toKrw(2_000) };
    expect(
      crossed(
        campaign(100, { ...total, totalSpentKrw: toKrw(1_500) }),
        campaign(200, { ...total, totalSpentKrw: toKrw(1_600) }),
      ),
    ).toEqual(['total_budget 80 of 2000']);
  });

  it('a remainder too small for a click is an exhausted budget: every share is reached', () => {
    const stop = { reason: 'daily_budget_exhausted', untilDate: TODAY } as const;
    expect(crossed(campaign(900), campaign(900, { stop }))).toEqual([`daily_budget 100 of ${TODAY}`]);
    expect(crossed(campaign(900, { stop }), campaign(900, { stop: { ...stop } }))).toEqual([]);
  });

  it('a stop of yesterday says nothing about today', () => {
    const stop = { reason: 'daily_budget_exhausted', untilDate: YESTERDAY } as const;
    expect(crossed(campaign(0, { stop }), campaign(500, { stop }))).toEqual([`daily_budget 50 of ${TODAY}`]);
  });

  it('an empty balance is nobody’s budget', () => {
    const stop = { reason: 'balance_exhausted', untilDate: null } as const;
    expect(crossed(campaign(100), campaign(100, { stop }))).toEqual([]);
  });

  it('uses the advertiser’s own shares', () => {
    const percents = new Map([['adv', { dailyBudgetPercents: [90], totalBudgetPercents: [] }]]);
    expect(crossed(campaign(0), campaign(1_000), percents)).toEqual([`daily_budget 90 of ${TODAY}`]);
  });

  it('says each share exactly once, however the spending is split into batches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 }), (steps) => {
        let spent = 0;
        const seen: string[] = [];
        for (const step of steps) {
          const next = Math.min(1_000, spent + step);
          seen.push(...crossed(campaign(spent), campaign(next)));
          spent = next;
        }
        expect(seen).toEqual(crossed(campaign(0), campaign(spent)));
      }),
    );
  });
});
