import { describe, expect, it } from 'vitest';
import type { CampaignFunds, ChargingState } from './charging.js';
import { fundsNearTheirEnd } from './funds-left.js';
import { toKrw } from './money.js';

const AT = { nowMs: 1_000_000, bookedDate: '2026-11-23' } as const;
const RICH: CampaignFunds = {
  advertiserId: 'adv',
  dailyBudgetKrw: toKrw(100_000),
  spentTodayKrw: toKrw(0),
  totalBudgetKrw: null,
  totalSpentKrw: toKrw(0),
  stop: null,
};
const state = (campaign: Partial<CampaignFunds>, cashKrw = 1_000_000, lots: [number, number][] = []) =>
  ({
    advertisers: new Map([
      [
        'adv',
        {
          cashKrw: toKrw(cashKrw),
          lots: lots.map(([krw, expiresAtMs], lotId) => ({ lotId, remainingKrw: toKrw(krw), expiresAtMs })),
          stop: null,
        },
      ],
    ]),
    campaigns: new Map([['cmp', { ...RICH, ...campaign }]]),
  }) satisfies ChargingState;
const click = (tokenPriceKrw: number) => ({ campaignId: 'cmp', tokenPriceKrw });

describe('funds near their end', () => {
  it('nobody hears of plenty', () => {
    expect(fundsNearTheirEnd(state({}), [click(100)], AT)).toEqual([]);
  });

  it('the daily budget is the narrow one: it counts for today', () => {
    expect(fundsNearTheirEnd(state({ spentTodayKrw: toKrw(95_000) }), [click(100), click(200)], AT)).toEqual([
      { scope: 'campaign', id: 'cmp', leftKrw: 5_000, untilDate: '2026-11-23' },
    ]);
  });

  it('the total budget is the narrow one: midnight does not change it', () => {
    const total = { totalBudgetKrw: toKrw(50_000), totalSpentKrw: toKrw(49_500) };
    expect(fundsNearTheirEnd(state(total), [click(100)], AT)).toEqual([
      { scope: 'campaign', id: 'cmp', leftKrw: 500, untilDate: null },
    ]);
  });

  it('a balance is cash and promo money that lives; the largest price of the batch says how near the end is', () => {
    const poor = state({}, 1_000, [
      [700, AT.nowMs + 1],
      [9_000, AT.nowMs],
    ]);
    expect(fundsNearTheirEnd(poor, [click(80), click(86)], AT)).toEqual([
      { scope: 'advertiser', id: 'adv', leftKrw: 1_700, untilDate: null },
    ]);
    expect(fundsNearTheirEnd(poor, [click(80), click(85)], AT)).toEqual([]);
  });

  it('a budget that was lowered below what is spent has nothing left, never less', () => {
    const lowered = state({ spentTodayKrw: toKrw(120_000) });
    expect(fundsNearTheirEnd(lowered, [click(50)], AT)[0]?.leftKrw).toBe(0);
  });

  it('clicks of unknown campaigns say nothing', () => {
    expect(fundsNearTheirEnd(state({}), [{ campaignId: 'other', tokenPriceKrw: 1 }], AT)).toEqual([]);
  });
});
