import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import { limitsBelow, spendableKrw } from '../domain/charging.js';
import { type Krw, toKrw } from '../domain/money.js';
import { DEFAULT_RANKING_PARAMETERS } from '../domain/ranking.js';
import { isStopActive, isStronger, type MoneyStopReason, type StopState } from '../domain/serving-stop.js';
import type { Queryable } from '../infra/postgres.js';
import { budgetOn, type LockedBudget, lockPromoLots, lockWallets, readBudgetsOf } from './money-locks.js';
import type { Booking } from './post-ledger.js';
import { readReceivable } from './receivables.js';
import { readStops, type StopWrite, writeStops } from './serving-stops.js';

/** The lowest price of any click while nobody says otherwise. */
export const DEFAULT_BID_FLOOR_KRW = DEFAULT_RANKING_PARAMETERS.bidFloorKrw;

export interface MoneyChange {
  readonly advertiserId: string;
  /** Stops that this change of money can end. A top-up ends no budget stop: the budget is as used up as before. */
  readonly endsStops: readonly MoneyStopReason[];
  /** A person resumes: the stop that their pause set ends too. Money alone never ends it. */
  readonly endsPause?: boolean;
  /** Only this campaign; all campaigns of the advertiser without it. */
  readonly campaignId?: string;
  readonly bidFloorKrw?: number;
}

/**
 * After money changed: ends the stops whose reason is gone and sets those whose reason has come (what is left is
 * below the floor). The caller holds the lock of the advertiser's balance row, which every writer of budgets,
 * lots and stops of this advertiser takes first, and has written its change.
 */
export async function settleStops(
  client: Queryable,
  change: MoneyChange,
  booking: Booking,
): Promise<ServingStop[]> {
  const { advertiserId } = change;
  const floorKrw = toKrw(change.bidFloorKrw ?? DEFAULT_BID_FLOOR_KRW);
  const wallet = (await lockWallets(client, [advertiserId])).get(advertiserId);
  const lots = (await lockPromoLots(client, [advertiserId])).get(advertiserId) ?? [];
  const budgets = await readBudgetsOf(client, advertiserId, change.campaignId);
  const stops = await readStops(client, [advertiserId], [...budgets.keys()]);
  const balanceKrw = spendableKrw(
    { cashKrw: wallet?.cashKrw ?? toKrw(0), lots, stop: null },
    booking.bookedAt.getTime(),
  );
  const writes: StopWrite[] = [];
  const current = stops.get(`advertiser:${advertiserId}`) ?? null;
  const owes = (await readReceivable(client, advertiserId)) > 0;
  const wanted = advertiserStop(current, balanceKrw, floorKrw, change, owes);
  if (differs(current, wanted)) writes.push({ scope: 'advertiser', id: advertiserId, stop: wanted });
  for (const [id, budget] of budgets) {
    const before = stops.get(`campaign:${id}`) ?? null;
    const after = campaignStop(before, budget, balanceKrw, floorKrw, change, booking.bookedDate);
    if (differs(before, after)) writes.push({ scope: 'campaign', id, stop: after });
  }
  return writeStops(client, writes, booking.bookedAt);
}

const differs = (a: StopState | null, b: StopState | null) =>
  a?.reason !== b?.reason || a?.untilDate !== b?.untilDate;

/** What is owed stops everything; once it is paid, the balance decides as if there had been no stop. */
function advertiserStop(
  before: StopState | null,
  balanceKrw: Krw,
  floorKrw: Krw,
  change: MoneyChange,
  owes: boolean,
): StopState | null {
  if (owes) return { reason: 'payment_reversed', untilDate: null };
  const current = before?.reason === 'payment_reversed' ? null : before;
  if (balanceKrw < floorKrw) return current ?? { reason: 'balance_exhausted', untilDate: null };
  return current?.reason === 'balance_exhausted' && change.endsStops.includes('balance_exhausted')
    ? null
    : current;
}

function campaignStop(
  before: StopState | null,
  budget: LockedBudget,
  balanceKrw: Krw,
  floorKrw: Krw,
  change: MoneyChange,
  today: BusinessDate,
): StopState | null {
  if (before !== null && !endsWith(before, change, today)) return before;
  let stop: StopState | null = null;
  for (const reason of limitsBelow(budgetOn(budget, today), balanceKrw, floorKrw)) {
    const next = { reason, untilDate: reason === 'daily_budget_exhausted' ? today : null };
    if (isStronger(next, stop, today)) stop = next;
  }
  return stop;
}

function endsWith(stop: StopState, change: MoneyChange, today: BusinessDate): boolean {
  if (!isStopActive(stop, today)) return true;
  if (stop.reason === 'paused') return change.endsPause === true;
  return stop.reason !== 'payment_reversed' && change.endsStops.includes(stop.reason);
}
