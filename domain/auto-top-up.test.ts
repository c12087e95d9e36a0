import { describe, expect, test } from 'vitest';
import { type AutoTopUpFacts, autoTopUpProblems, decideAutoTopUp } from './auto-top-up.js';

const settings = {
  enabled: true,
  thresholdKrw: 20_000,
  amountKrw: 30_000,
  monthlyCapKrw: 100_000,
  cooldownMinutes: 60,
};
const facts = (change: Partial<AutoTopUpFacts> = {}): AutoTopUpFacts => ({
  settings,
  advertiserIsActive: true,
  hasBillingMethod: true,
  balanceKrw: 20_000,
  chargedThisMonthKrw: 0,
  nowMs: 10_000_000,
  lastAttemptAtMs: null,
  unfinished: null,
  ...change,
});

test('settings: every problem together', () => {
  expect(autoTopUpProblems(settings)).toEqual([]);
  const wrong = { ...settings, thresholdKrw: 0, amountKrw: 1, monthlyCapKrw: 0.5, cooldownMinutes: -1 };
  expect(autoTopUpProblems(wrong).map(({ field }) => field)).toEqual([
    'thresholdKrw',
    'amountKrw',
    'monthlyCapKrw',
    'cooldownMinutes',
  ]);
});

describe('decision', () => {
  test('charges at the threshold, not above it', () => {
    expect(decideAutoTopUp(facts())).toEqual({ kind: 'charge' });
    expect(decideAutoTopUp(facts({ balanceKrw: 20_001 }))).toEqual({
      kind: 'idle',
      why: 'balance_above_threshold',
    });
  });

  test('an unfinished charge comes before everything, also when it is switched off', () => {
    const unfinished = { topUpId: 'top_1', status: 'charging' } as const;
    const off = facts({ unfinished, settings: { ...settings, enabled: false }, hasBillingMethod: false });
    expect(decideAutoTopUp(off)).toEqual({ kind: 'resume', topUpId: 'top_1' });
  });

  test('the cap holds to the won', () => {
    expect(decideAutoTopUp(facts({ chargedThisMonthKrw: 70_000 })).kind).toBe('charge');
    expect(decideAutoTopUp(facts({ chargedThisMonthKrw: 70_001 }))).toEqual({
      kind: 'idle',
      why: 'monthly_cap_reached',
    });
  });

  test('the cooldown is over exactly when it is over', () => {
    const hourAgo = 10_000_000 - 3_600_000;
    expect(decideAutoTopUp(facts({ lastAttemptAtMs: hourAgo })).kind).toBe('charge');
    expect(decideAutoTopUp(facts({ lastAttemptAtMs: hourAgo + 1 }))).toEqual({ kind: 'wait', waitMs: 1 });
  });

  test.each([
    [{ settings: { ...settings, enabled: false } }, 'off'],
    [{ advertiserIsActive: false }, 'advertiser_not_active'],
    [{ hasBillingMethod: false }, 'no_billing_method'],
  ])('rests: %o', (change, why) => {
    expect(decideAutoTopUp(facts(change))).toEqual({ kind: 'idle', why });
  });
});
