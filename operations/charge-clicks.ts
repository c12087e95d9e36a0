import type { BudgetLeft } from '../contracts/budget-signal.js';
import type { AdClicked } from '../contracts/events/ad-events.js';
import type { ServingStop } from '../contracts/serving-stop.js';

import { addMonths, type BusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import { type ClickDecision, type ClickToCharge, type FoldResult, foldCharges } from '../domain/charging.js';
import { isClickId, issuedAtOf, issuedMonthOf } from '../domain/click-id.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import { fundsNearTheirEnd } from '../domain/funds-left.js';
import { toKrw } from '../domain/money.js';
import { type DatabaseClient, type DatabasePool, withRetriedTransaction } from '../infra/postgres.js';
import { lockAndReadFacts, ownDeviceKey, type StoredOutcome } from './charge-clicks-reads.js';
import { writeCharges } from './charge-clicks-writes.js';
import type { Booking } from './post-ledger.js';
import { recordDeadLetter } from './record-dead-letter.js';

/** A click and the Kafka record that it came from. */
export interface DeliveredClick {
  readonly click: AdClicked;
  readonly source: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: string;
    /** The bytes as they came, kept when the click is set aside: a replay is known by them. */
    readonly value?: Buffer | null;
    /** The dead letter that this record is the replay of. */
    readonly replayOf?: string | null;
  };
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
  /** What is left to campaigns and advertisers of this batch that are near the end of their money. */
  readonly left: readonly BudgetLeft[];
}

/**
 * Charges clicks exactly once, all or nothing, in the order given. In one READ COMMITTED transaction of two
 * statements: lock the rows in id order, take time and day, *then* read which clicks are known (an earlier look would
 * let a click that another worker is just committing eat the budget twice); fold here; write clicks, ledger, balances,
 * spend, crossings and stops.
 */
export async function chargeClicks(
  pool: DatabasePool,
  deliveries: readonly DeliveredClick[],
  options: ChargeOptions,
): Promise<ChargeBatchResult> {
  if (deliveries.length === 0) return { clicks: [], deadLettered: [], stops: [], left: [] };
  return withRetriedTransaction(pool, (client) => chargeInTransaction(client, deliveries, options));
}

async function chargeInTransaction(
  client: DatabaseClient,
  deliveries: readonly DeliveredClick[],
  options: ChargeOptions,
): Promise<ChargeBatchResult> {
  const clicks = deliveries.map(({ click }) => click);
  const monthOf = monthsOf(clicks);
  const facts = await lockAndReadFacts(client, clicks, monthOf);
  const { placed, lost } = place(deliveries, monthOf, facts.months);
  for (const delivery of lost) await setAside(client, delivery);
  const fresh = firstOfEach(placed, facts.known);
  const moment = {
    nowMs: facts.booking.bookedAt.getTime(),
    bookedDate: facts.booking.bookedDate,
    floorKrw: toKrw(options.bidFloorKrw),
  };
  const folded = foldCharges(facts.state, toCharge(fresh, facts.ownDevices), moment);
  const written = await writeCharges(client, { facts, fresh, monthOf, folded });
  return {
    clicks: answers(placed, facts.known, folded, facts.booking),
    deadLettered: lost.map(({ delivery, reason }) => ({ clickId: delivery.click.clickId, reason })),
    stops: written.stops,
    left: fundsNearTheirEnd(folded.state, fresh, moment).map((left) => ({
      ...left,
      version: written.versionOf(left.scope, left.id),
    })),
  };
}

/** Month of issue by click id, of those that are click ids. */
function monthsOf(clicks: readonly AdClicked[]): Map<string, string> {
  const months = new Map<string, string>();
  // Nearly all clicks of a batch are of one month: its bounds are told apart faster than dates are written.
  let held = { month: '', fromMs: 0, untilMs: 0 };
  for (const { clickId } of clicks) {
    if (!isClickId(clickId)) continue;
    const issuedAtMs = issuedAtOf(clickId);
    if (issuedAtMs < held.fromMs || issuedAtMs >= held.untilMs) held = boundsOf(issuedMonthOf(clickId));
    months.set(clickId, held.month);
  }
  return months;
}

const boundsOf = (month: BusinessDate) => ({
  month,
  fromMs: startOfBusinessDate(month),
  untilMs: startOfBusinessDate(addMonths(month, 1)),
});

interface LostDelivery {
  readonly delivery: DeliveredClick;
  readonly reason: string;
}

/** Separates the clicks that have a partition from those that cannot be stored any more. */
function place(
  deliveries: readonly DeliveredClick[],
  monthOf: ReadonlyMap<string, string>,
  existing: ReadonlySet<string>,
): { placed: DeliveredClick[]; lost: LostDelivery[] } {
  const placed: DeliveredClick[] = [];
  const lost: LostDelivery[] = [];
  for (const delivery of deliveries) {
    const month = monthOf.get(delivery.click.clickId);
    if (month === undefined) lost.push({ delivery, reason: 'not a click id' });
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
    value: delivery.source.value ?? Buffer.from(JSON.stringify(delivery.click)),
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

const toCharge = (clicks: readonly AdClicked[], ownDevices: ReadonlySet<string>): ClickToCharge[] =>
  clicks.map((click) => ({
    clickId: click.clickId,
    advertiserId: click.advertiserId,
    campaignId: click.campaignId,
    tokenPriceKrw: toKrw(click.tokenPriceKrw),
    signals: click.signals,
    isOwnAccountDevice: ownDevices.has(ownDeviceKey(click.advertiserId, click.deviceHash)),
  }));

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
