import type { AdClicked } from '../contracts/events/ad-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import {
  type ChargingState,
  type ClickDecision,
  type ClickToCharge,
  type FoldResult,
  foldCharges,
} from '../domain/charging.js';
import { type ClickId, isClickId, issuedMonthOf } from '../domain/click-id.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import type { Wallet } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import {
  type DatabaseClient,
  type DatabasePool,
  type Queryable,
  RetryTransaction,
  withRetriedTransaction,
} from '../infra/postgres.js';
import {
  readExistingMonths,
  readKnownClicks,
  readOwnDevices,
  type StoredOutcome,
} from './charge-clicks-reads.js';
import { writeCharges } from './charge-clicks-writes.js';
import { budgetOn, lockBudgets, lockPromoLots, lockWallets } from './money-locks.js';
import { type Booking, takeBookingDay } from './post-ledger.js';
import { recordDeadLetter } from './record-dead-letter.js';
import { readStops } from './serving-stops.js';

/** A click and the Kafka record that it came from. */
export interface DeliveredClick {
  readonly click: AdClicked;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
}

export interface ChargeOptions {
  /** The lowest price of any click: a balance below it stops the advertiser. */
  readonly bidFloorKrw: number;
}

/** How a click ended. `bookedAt` is epoch ms of business time. */
export interface ChargedClick {
  readonly clickId: string;
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly adId: string;
  readonly placement: AdClicked['placement'];
  readonly slot: number;
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly chargedKrw: number;
  readonly cashKrw: number;
  readonly promoKrw: number;
  readonly bookedDate: BusinessDate;
  readonly bookedAt: number;
  /** Decided earlier (or earlier in this batch); nothing was charged now. */
  readonly redelivered: boolean;
}

export interface ChargeBatchResult {
  /** One per delivered click that has an outcome, in the order of delivery. */
  readonly clicks: readonly ChargedClick[];
  /** Set aside in `dead_letter`, because no partition can hold them any more. */
  readonly deadLettered: readonly { readonly clickId: string; readonly reason: string }[];
  /** What stopped being served with this batch; also announced on the PostgreSQL channel. */
  readonly stops: readonly ServingStop[];
}

/**
 * Charges clicks exactly once, all or nothing, in the order given. In one READ COMMITTED transaction: lock the
 * rows in id order; take time and day; *then* read which clicks are known (an earlier look would let a click that
 * another worker is just committing eat the budget twice); fold; write clicks, ledger, balances, spend and stops.
 */
export async function chargeClicks(
  pool: DatabasePool,
  deliveries: readonly DeliveredClick[],
  options: ChargeOptions,
): Promise<ChargeBatchResult> {
  if (deliveries.length === 0) return { clicks: [], deadLettered: [], stops: [] };
  return withRetriedTransaction(pool, (client) => chargeInTransaction(client, deliveries, options));
}

async function chargeInTransaction(
  client: DatabaseClient,
  deliveries: readonly DeliveredClick[],
  options: ChargeOptions,
): Promise<ChargeBatchResult> {
  const locked = await lockFunds(client, deliveries);
  const { placed, lost } = await place(client, deliveries);
  for (const delivery of lost) await setAside(client, delivery);
  const known = await readKnownClicks(
    client,
    placed.map((delivery) => delivery.click.clickId as ClickId),
  );
  const fresh = firstOfEach(placed, known);
  const folded = foldCharges(locked.state, await toCharge(client, fresh), {
    nowMs: locked.booking.bookedAt.getTime(),
    bookedDate: locked.booking.bookedDate,
    floorKrw: toKrw(options.bidFloorKrw),
  });
  const stops = await writeCharges(client, { ...locked, fresh, folded });
  return {
    clicks: answers(placed, known, folded, locked.booking),
    deadLettered: lost.map(({ delivery, reason }) => ({ clickId: delivery.click.clickId, reason })),
    stops,
  };
}

interface LockedFunds {
  readonly state: ChargingState;
  readonly wallets: ReadonlyMap<string, Wallet>;
  readonly booking: Booking;
}

async function lockFunds(client: Queryable, deliveries: readonly DeliveredClick[]): Promise<LockedFunds> {
  const advertiserIds = [...new Set(deliveries.map(({ click }) => click.advertiserId))];
  const campaignIds = [...new Set(deliveries.map(({ click }) => click.campaignId))];
  const wallets = await lockWallets(client, advertiserIds);
  const budgets = await lockBudgets(client, campaignIds);
  const lots = await lockPromoLots(client, advertiserIds);
  const booking = await takeBookingDay(client);
  const stops = await readStops(client, advertiserIds, campaignIds);
  const advertisers = new Map(
    [...wallets].map(([id, wallet]) => [
      id,
      { cashKrw: wallet.cashKrw, lots: lots.get(id) ?? [], stop: stops.get(`advertiser:${id}`) ?? null },
    ]),
  );
  const campaigns = new Map(
    [...budgets].map(([id, budget]) => {
      if (budget.spentDate > booking.bookedDate)
        throw new RetryTransaction('the clock stepped back over midnight');
      return [id, { ...budgetOn(budget, booking.bookedDate), stop: stops.get(`campaign:${id}`) ?? null }];
    }),
  );
  return { state: { advertisers, campaigns }, wallets, booking };
}

interface LostDelivery {
  readonly delivery: DeliveredClick;
  readonly reason: string;
}

/** Separates the clicks that have a partition from those that cannot be stored any more. */
async function place(
  client: Queryable,
  deliveries: readonly DeliveredClick[],
): Promise<{ placed: DeliveredClick[]; lost: LostDelivery[] }> {
  const monthOf = (id: string) => (isClickId(id) ? issuedMonthOf(id) : null);
  const wanted = new Set(deliveries.map(({ click }) => monthOf(click.clickId)));
  const existing = await readExistingMonths(
    client,
    [...wanted].filter((month) => month !== null),
  );
  const placed: DeliveredClick[] = [];
  const lost: LostDelivery[] = [];
  for (const delivery of deliveries) {
    const month = monthOf(delivery.click.clickId);
    if (month === null) lost.push({ delivery, reason: 'not a click id' });
    else if (!existing.has(month))
      lost.push({ delivery, reason: `no partition for clicks issued in ${month}` });
    else placed.push(delivery);
  }
  return { placed, lost };
}

async function setAside(client: DatabaseClient, { delivery, reason }: LostDelivery): Promise<void> {
  await recordDeadLetter(client, {
    ...delivery.source,
    key: delivery.click.advertiserId,
    headers: { type: delivery.click.type },
    value: Buffer.from(JSON.stringify(delivery.click)),
    reason,
  });
}

/** Clicks without a stored outcome, each once. */
function firstOfEach(
  placed: readonly DeliveredClick[],
  known: ReadonlyMap<string, StoredOutcome>,
): AdClicked[] {
  const fresh = new Map<string, AdClicked>();
  for (const { click } of placed) {
    if (!known.has(click.clickId) && !fresh.has(click.clickId)) fresh.set(click.clickId, click);
  }
  return [...fresh.values()];
}

async function toCharge(client: Queryable, clicks: readonly AdClicked[]): Promise<ClickToCharge[]> {
  const own = await readOwnDevices(client, clicks);
  return clicks.map((click) => ({
    clickId: click.clickId,
    advertiserId: click.advertiserId,
    campaignId: click.campaignId,
    tokenPriceKrw: toKrw(click.tokenPriceKrw),
    signals: click.signals,
    isOwnAccountDevice: own.has(`${click.advertiserId}\n${click.deviceHash}`),
  }));
}

function answers(
  placed: readonly DeliveredClick[],
  known: ReadonlyMap<string, StoredOutcome>,
  folded: FoldResult,
  booking: Booking,
): ChargedClick[] {
  const decided = new Map(folded.decisions.map((decision) => [decision.clickId, decision]));
  const answered = new Set<string>();
  return placed.flatMap(({ click }) => {
    const stored = known.get(click.clickId) ?? storedNow(decided.get(click.clickId), booking);
    if (!stored) return [];
    const redelivered = known.has(click.clickId) || answered.has(click.clickId);
    answered.add(click.clickId);
    const { clickId, advertiserId, campaignId, adId, placement, slot } = click;
    return [{ clickId, advertiserId, campaignId, adId, placement, slot, ...stored, redelivered }];
  });
}

function storedNow(decision: ClickDecision | undefined, booking: Booking): StoredOutcome | undefined {
  if (!decision) return undefined;
  const { outcome, reason, chargedKrw, cashKrw, promoKrw } = decision;
  const { bookedAt, bookedDate } = booking;
  return { outcome, reason, chargedKrw, cashKrw, promoKrw, bookedDate, bookedAt: bookedAt.getTime() };
}
