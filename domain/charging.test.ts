import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BusinessDate } from './business-date.js';
import {
  type AdvertiserFunds,
  type CampaignFunds,
  type ChargingState,
  type ClickToCharge,
  foldCharges,
  spendableKrw,
} from './charging.js';
import { type Krw, toKrw } from './money.js';

const NOW = Date.UTC(2026, 10, 23, 3);
const AT = { nowMs: NOW, bookedDate: '2026-11-23' as BusinessDate, floorKrw: toKrw(50) };
const CLEAN = {
  tokenAgeMs: 0,
  expired: false,
  listedBot: false,
  deviceClicksPerMinute: 1,
  ipClicksPerMinute: 1,
  sinceSameAdMs: null,
};

const krw = (value: number): Krw => toKrw(value);
const advertiser = (cash: number, lots: AdvertiserFunds['lots'] = []): AdvertiserFunds => ({
  cashKrw: krw(cash),
  lots,
  stop: null,
});
const campaign = (daily: number, total: number | null = null, advertiserId = 'adv_1'): CampaignFunds => ({
  advertiserId,
  dailyBudgetKrw: krw(daily),
  spentTodayKrw: krw(0),
  totalBudgetKrw: total === null ? null : krw(total),
  totalSpentKrw: krw(0),
  stop: null,
});
const state = (a: AdvertiserFunds, c: CampaignFunds): ChargingState => ({
  advertisers: new Map([['adv_1', a]]),
  campaigns: new Map([['cmp_1', c]]),
});
const click = (n: number, price: number, over: Partial<ClickToCharge> = {}): ClickToCharge => ({
  clickId: `click_${n}`,
  advertiserId: 'adv_1',
  campaignId: 'cmp_1',
  tokenPriceKrw: krw(price),
  signals: CLEAN,
  isOwnAccountDevice: false,
  ...over,
});
const clicks = (...prices: number[]) => prices.map((price, n) => click(n, price));
const outcomes = (s: ChargingState, list: ClickToCharge[]) =>
  foldCharges(s, list, AT).decisions.map((d) => `${d.outcome}${d.reason ? `:${d.reason}` : ''}`);

describe('a refused click takes nothing', () => {
  it('charges 900 and 100 out of 1,000 when 200 in between does not fit the balance', () => {
    expect(outcomes(state(advertiser(1_000), campaign(9_999)), clicks(900, 200, 100))).toEqual([
      'charged',
      'no_balance:balance_exhausted',
      'charged',
    ]);
  });
  it('does the same for the daily budget', () => {
    expect(outcomes(state(advertiser(9_999), campaign(1_000)), clicks(900, 200, 100))).toEqual([
      'charged',
      'over_budget:daily_budget_exhausted',
      'charged',
    ]);
  });
  it('does the same for the total budget', () => {
    expect(outcomes(state(advertiser(9_999), campaign(5_000, 1_000)), clicks(900, 200, 100))).toEqual([
      'charged',
      'over_budget:total_budget_exhausted',
      'charged',
    ]);
  });
  it('lets invalid clicks eat nothing', () => {
    const bot = click(1, 900, { signals: { ...CLEAN, listedBot: true } });
    const own = click(2, 900, { isOwnAccountDevice: true });
    expect(outcomes(state(advertiser(1_000), campaign(1_000)), [bot, own, click(3, 1_000)])).toEqual([
      'invalid:listed_bot',
      'invalid:own_account_click',
      'charged',
    ]);
  });
});

describe('who pays', () => {
  it('takes promo lots by earliest expiry, then lot id, then cash, and never an expired lot', () => {
    const lot = (lotId: number, remaining: number, expiresAtMs: number) => ({
      lotId,
      remainingKrw: krw(remaining),
      expiresAtMs,
    });
    const lots = [lot(4, 10, NOW + 2), lot(3, 20, NOW + 1), lot(2, 40, NOW + 1), lot(1, 999, NOW)];
    const [decision] = foldCharges(
      state(advertiser(500, lots), campaign(9_999)),
      [click(0, 100)],
      AT,
    ).decisions;
    expect(decision).toMatchObject({ cashKrw: 30, promoKrw: 70 });
    expect(decision?.promoLots).toEqual([
      { lotId: 2, krw: 40 },
      { lotId: 3, krw: 20 },
      { lotId: 4, krw: 10 },
    ]);
  });
  it('names only the lots that paid', () => {
    const lot = (lotId: number, won: number) => ({ lotId, remainingKrw: krw(won), expiresAtMs: NOW + lotId });
    const s = state(advertiser(1_000, [lot(1, 0), lot(2, 100), lot(3, 100)]), campaign(9_999));
    expect(foldCharges(s, clicks(100), AT).decisions[0]?.promoLots).toEqual([{ lotId: 2, krw: 100 }]);
  });
  it('refuses clicks of campaigns that are unknown or belong to somebody else', () => {
    const s = state(advertiser(1_000), campaign(1_000));
    expect(
      outcomes(s, [click(0, 50, { campaignId: 'cmp_x' }), click(1, 50, { advertiserId: 'adv_x' })]),
    ).toEqual(['invalid:unknown_campaign', 'invalid:unknown_campaign']);
  });
});

describe('stops', () => {
  const stopsOf = (s: ChargingState, list: ClickToCharge[]) =>
    foldCharges(s, list, AT).stops.map(({ scope, stop }) => [scope, stop.reason, stop.untilDate]);
  it('stops a campaign for the rest of the day with the first click that its daily budget refuses', () => {
    expect(stopsOf(state(advertiser(9_999), campaign(1_000)), clicks(900, 200, 300))).toEqual([
      ['campaign', 'daily_budget_exhausted', '2026-11-23'],
    ]);
  });
  it('stops a campaign as soon as less than the floor is left, before anybody clicks for nothing', () => {
    expect(stopsOf(state(advertiser(9_999), campaign(1_000)), clicks(960))).toEqual([
      ['campaign', 'daily_budget_exhausted', '2026-11-23'],
    ]);
  });
  it('stops campaign and advertiser until money comes once the balance is below the floor', () => {
    expect(stopsOf(state(advertiser(1_000), campaign(9_999)), clicks(960, 100))).toEqual([
      ['advertiser', 'balance_exhausted', null],
      ['campaign', 'balance_exhausted', null],
    ]);
  });
  it('lets the stop that lasts longest win, and repeats none', () => {
    const s = state(advertiser(9_999), campaign(1_000, 1_000));
    const first = foldCharges(s, clicks(1_000), AT);
    expect(first.stops.map((change) => change.stop.reason)).toEqual(['total_budget_exhausted']);
    expect(foldCharges(first.state, clicks(100, 100), AT).stops).toEqual([]);
  });
  it('serves on with exactly the floor left', () => {
    expect(stopsOf(state(advertiser(1_000), campaign(9_999)), clicks(950))).toEqual([]);
  });
  it('does not stop an advertiser again that is stopped already', () => {
    const stop = { reason: 'balance_exhausted', untilDate: null } as const;
    const s = state({ ...advertiser(10), stop }, { ...campaign(9_999), stop });
    expect(stopsOf(s, clicks(100))).toEqual([]);
  });
  it('stops each of several advertisers', () => {
    const s: ChargingState = {
      advertisers: new Map([
        ['adv_1', advertiser(100)],
        ['adv_2', advertiser(100)],
      ]),
      campaigns: new Map([
        ['cmp_1', campaign(9_999)],
        ['cmp_2', campaign(9_999, null, 'adv_2')],
      ]),
    };
    const second = click(2, 100, { advertiserId: 'adv_2', campaignId: 'cmp_2' });
    const stopped = foldCharges(s, [click(1, 100), second], AT).stops.filter(
      ({ scope }) => scope === 'advertiser',
    );
    expect(stopped.map(({ id }) => id)).toEqual(['adv_1', 'adv_2']);
  });
});

const lotsArbitrary = fc.array(
  fc.record({ remaining: fc.integer({ min: 0, max: 500 }), expiresIn: fc.integer({ min: -2, max: 5 }) }),
  { maxLength: 4 },
);
const stateArbitrary: fc.Arbitrary<ChargingState> = fc
  .record({
    cash: fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 2, maxLength: 2 }),
    lots: fc.array(lotsArbitrary, { minLength: 2, maxLength: 2 }),
    daily: fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 4, maxLength: 4 }),
    total: fc.array(fc.option(fc.integer({ min: 1, max: 2_500 })), { minLength: 4, maxLength: 4 }),
  })
  .map(({ cash, lots, daily, total }) => ({
    advertisers: new Map(
      cash.map((amount, a) => [
        `adv_${a}`,
        advertiser(
          amount,
          (lots[a] ?? []).map((lot, l) => ({
            lotId: a * 10 + l,
            remainingKrw: krw(lot.remaining),
            expiresAtMs: NOW + lot.expiresIn,
          })),
        ),
      ]),
    ),
    campaigns: new Map(
      daily.map((amount, c) => [`cmp_${c}`, campaign(amount, total[c] ?? null, `adv_${c % 2}`)]),
    ),
  }));
const clicksArbitrary = fc
  .array(
    fc.record({
      c: fc.integer({ min: 0, max: 4 }),
      price: fc.integer({ min: 50, max: 900 }),
      bot: fc.integer({ min: 0, max: 9 }),
    }),
    { maxLength: 60 },
  )
  .map((list) =>
    list.map(({ c, price, bot }, n) =>
      click(n, price, {
        advertiserId: `adv_${c % 2}`,
        campaignId: `cmp_${c}`,
        signals: { ...CLEAN, listedBot: bot === 0 },
      }),
    ),
  );

describe('for all balances, budgets and clicks', () => {
  it('nothing falls below zero, and what was taken is what was charged', () => {
    fc.assert(
      fc.property(stateArbitrary, clicksArbitrary, (before, list) => {
        const { state: after, decisions } = foldCharges(before, list, AT);
        expect(decisions.map((d) => d.clickId)).toEqual(list.map((c) => c.clickId));
        for (const [id, funds] of after.advertisers) {
          const start = before.advertisers.get(id) ?? advertiser(0);
          const charged = sum(
            decisions.filter((_, n) => list[n]?.advertiserId === id).map((d) => d.chargedKrw),
          );
          expect(spendableKrw(start, NOW) - spendableKrw(funds, NOW)).toBe(charged);
          expect(
            Math.min(funds.cashKrw, ...funds.lots.map((lot) => lot.remainingKrw)),
          ).toBeGreaterThanOrEqual(0);
        }
        for (const [id, budget] of after.campaigns) {
          const charged = sum(
            decisions.filter((_, n) => list[n]?.campaignId === id).map((d) => d.chargedKrw),
          );
          expect(budget.totalSpentKrw).toBe(charged);
          expect(charged).toBeLessThanOrEqual(
            Math.min(budget.dailyBudgetKrw, budget.totalBudgetKrw ?? charged),
          );
        }
        for (const d of decisions) {
          expect(d.cashKrw + d.promoKrw).toBe(d.chargedKrw);
          expect(sum(d.promoLots.map((lot) => lot.krw))).toBe(d.promoKrw);
          expect(d.outcome === 'charged').toBe(d.chargedKrw > 0);
        }
      }),
    );
  });

  it('a click is refused for money only when it really does not fit what the clicks before it left', () => {
    fc.assert(
      fc.property(stateArbitrary, clicksArbitrary, (before, list) => {
        let current = before;
        for (const one of list) {
          const funds = current.advertisers.get(one.advertiserId);
          const budget = current.campaigns.get(one.campaignId);
          const { state: next, decisions } = foldCharges(current, [one], AT);
          const [decision] = decisions;
          if (funds && budget && decision && decision.outcome !== 'invalid') {
            const left = Math.min(
              spendableKrw(funds, NOW),
              budget.dailyBudgetKrw - budget.spentTodayKrw,
              budget.totalBudgetKrw === null ? Infinity : budget.totalBudgetKrw - budget.totalSpentKrw,
            );
            expect(decision.outcome === 'charged').toBe(one.tokenPriceKrw <= left);
          }
          current = next;
        }
      }),
    );
  });

  it('splitting the batch anywhere changes nothing', () => {
    fc.assert(
      fc.property(stateArbitrary, clicksArbitrary, fc.nat(), (before, list, cut) => {
        const at = list.length === 0 ? 0 : cut % (list.length + 1);
        const whole = foldCharges(before, list, AT);
        const left = foldCharges(before, list.slice(0, at), AT);
        const right = foldCharges(left.state, list.slice(at), AT);
        expect([...left.decisions, ...right.decisions]).toEqual(whole.decisions);
        expect(right.state).toEqual(whole.state);
        const last = new Map(
          [...left.stops, ...right.stops].map((stop) => [`${stop.scope}:${stop.id}`, stop.stop]),
        );
        expect(last).toEqual(new Map(whole.stops.map((stop) => [`${stop.scope}:${stop.id}`, stop.stop])));
      }),
    );
  });

  it('leaves the given state as it was', () => {
    fc.assert(
      fc.property(stateArbitrary, clicksArbitrary, (before, list) => {
        const copy = structuredClone(before);
        foldCharges(before, list, AT);
        expect(before).toEqual(copy);
      }),
    );
  });
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
