import { addDays, businessDateOf, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import type { CampaignFunds, ChargingState, ClickToCharge } from '../../domain/charging.js';
import { type Krw, toKrw, ZERO_KRW } from '../../domain/money.js';

/** The lowest price of any click here. */
export const FLOOR_KRW = toKrw(50);
const START_DATE = businessDateOf(Date.UTC(2026, 10, 23));
/** Ten minutes before a midnight in Korea, so that most runs cross it. */
export const START_MS = startOfBusinessDate(addDays(START_DATE, 1)) - 10 * 60_000;
export const END_MS = START_MS + DAY_MS / 2;
export const PARTITIONS = 2;

const ADVERTISERS = ['adv_a', 'adv_b', 'adv_c'] as const;
const CAMPAIGNS_EACH = 2;
const CLEAN = {
  tokenAgeMs: 1_000,
  expired: false,
  listedBot: false,
  deviceClicksPerMinute: 1,
  ipClicksPerMinute: 1,
  sinceSameAdMs: null,
};

export type Random = () => number;
export const below = (random: Random, limit: number) => Math.floor(random() * limit);
export function oneOf<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

/** One advertiser's clicks share a partition, as in the real topic. */
export const partitionOf = (advertiserId: string) => advertiserId.charCodeAt(4) % PARTITIONS;

/** Money that runs out on the way: balances, lots, daily and total budgets of a few dozen clicks. */
export function smallMoney(random: Random): ChargingState {
  const advertisers = new Map(
    ADVERTISERS.map((id, index) => [
      id as string,
      { cashKrw: toKrw(below(random, 6_000)), lots: lotsOf(random, index), stop: null },
    ]),
  );
  const campaigns = new Map<string, CampaignFunds>();
  for (const advertiserId of ADVERTISERS) {
    for (let n = 0; n < CAMPAIGNS_EACH; n += 1) {
      campaigns.set(`cmp_${advertiserId}_${n}`, {
        advertiserId,
        dailyBudgetKrw: toKrw(500 + below(random, 3_000)),
        spentTodayKrw: ZERO_KRW,
        totalBudgetKrw: random() < 0.5 ? null : toKrw(500 + below(random, 5_000)),
        totalSpentKrw: ZERO_KRW,
        stop: null,
      });
    }
  }
  return { advertisers, campaigns };
}

/** Up to three lots; some expire within the run, some have expired before it. */
function lotsOf(random: Random, advertiser: number) {
  return Array.from({ length: below(random, 4) }, (_, n) => ({
    lotId: advertiser * 10 + n,
    remainingKrw: toKrw(below(random, 1_500)),
    expiresAtMs: START_MS - 60_000 + below(random, DAY_MS),
  }));
}

/** Mostly good clicks; some that a rule refuses, some of a campaign that does not exist or is another's. */
export function someClick(random: Random, n: number): ClickToCharge {
  const advertiserId = oneOf(random, ADVERTISERS);
  const owner = random() < 0.03 ? oneOf(random, ADVERTISERS) : advertiserId;
  const campaignId = random() < 0.02 ? 'cmp_nobody' : `cmp_${owner}_${below(random, CAMPAIGNS_EACH)}`;
  const spoiled = random();
  return {
    clickId: `click_${n}`,
    advertiserId,
    campaignId,
    tokenPriceKrw: toKrw(FLOOR_KRW + below(random, 350)),
    isOwnAccountDevice: spoiled < 0.02,
    signals: {
      ...CLEAN,
      listedBot: spoiled > 0.97,
      expired: spoiled > 0.95 && spoiled <= 0.97,
      sinceSameAdMs: spoiled > 0.92 && spoiled <= 0.95 ? 9_999 : null,
      deviceClicksPerMinute: spoiled > 0.9 && spoiled <= 0.92 ? 21 : 20,
    },
  };
}

export function spentIn(state: ChargingState): { cash: Krw; promo: Krw } {
  let cash = 0;
  let promo = 0;
  for (const { cashKrw, lots } of state.advertisers.values()) {
    cash += cashKrw;
    for (const { remainingKrw } of lots) promo += remainingKrw;
  }
  return { cash: toKrw(cash), promo: toKrw(promo) };
}
