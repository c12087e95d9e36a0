import { DAY_MS } from './business-date.js';
import { grouped } from './grouped.js';

/** Which click an order line is credited to. Another rule is another version: it is stored with every result. */
export interface ConversionRules {
  readonly version: number;
  /** How long before an order line its click may lie, exactly this long included. */
  readonly clickWindowMs: number;
  /** A click on the bought product goes before a later one on another product of the seller. */
  readonly directFirst: boolean;
  /** A click on another product of the seller counts at all. */
  readonly indirectCounts: boolean;
}

/** The rules by which order lines are matched as they come. */
export const CONVERSION_RULES: ConversionRules = {
  version: 1,
  clickWindowMs: DAY_MS,
  directFirst: true,
  indirectCounts: true,
};

/** An order line that is cancelled later than this after it was placed (both as recorded by us) stays a conversion. */
export const REVERSAL_HORIZON_MS = 30 * DAY_MS;

/** A clean click; times are when we recorded it. */
export interface MatchClick {
  readonly clickId: string;
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly productId: string;
  readonly placement: string;
  readonly deviceHash: string;
  readonly recordedAt: number;
}

export interface MatchOrderLine {
  readonly orderLineId: string;
  readonly orderId: string;
  readonly deviceHash: string;
  readonly productId: string;
  /** The seller is the advertiser. */
  readonly sellerId: string;
  readonly quantity: number;
  readonly amountKrw: number;
  readonly recordedAt: number;
}

export interface MatchCancellation {
  readonly orderLineId: string;
  readonly recordedAt: number;
}

export interface Conversion {
  readonly orderLineId: string;
  readonly orderId: string;
  readonly clickId: string;
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly placement: string;
  readonly productId: string;
  readonly match: 'direct' | 'indirect';
  readonly quantity: number;
  readonly conversionValueKrw: number;
  readonly clickedAt: number;
  readonly convertedAt: number;
  readonly reversedAt: number | null;
}

/**
 * Which click each order line comes from: what `conversion-match-24h` computes, as plain code over a whole log. Of
 * repeated ids the first in the log counts. Order lines without a click are not in the result.
 */
export function matchConversions(
  clicks: readonly MatchClick[],
  orderLines: readonly MatchOrderLine[],
  cancellations: readonly MatchCancellation[],
  rules: ConversionRules = CONVERSION_RULES,
): readonly Conversion[] {
  const clicksOf = grouped(firstOfEach(clicks, 'clickId'), (click) => click.deviceHash);
  const cancelled = new Map(
    firstOfEach(cancellations, 'orderLineId').map((line) => [line.orderLineId, line.recordedAt]),
  );
  return firstOfEach(orderLines, 'orderLineId').flatMap((line) => {
    const click = creditedClick(line, clicksOf.get(line.deviceHash) ?? [], rules);
    if (click === undefined) return [];
    const cancelledAt = cancelled.get(line.orderLineId) ?? null;
    const reverses = cancelledAt !== null && isInReversalHorizon(line.recordedAt, cancelledAt);
    return [conversionOf(line, click, reverses ? cancelledAt : null)];
  });
}

/**
 * The click that an order line is credited to: same device, same seller, at most the click window before; by the
 * current rules the bought product before another one of the seller, then the latest, then the greatest click id.
 * An unknown device matches nothing.
 */
export function creditedClick(
  line: MatchOrderLine,
  clicks: readonly MatchClick[],
  rules: ConversionRules = CONVERSION_RULES,
): MatchClick | undefined {
  if (line.deviceHash === '') return undefined;
  const inTime = clicks.filter((click) => {
    const ageMs = line.recordedAt - click.recordedAt;
    const fits = click.deviceHash === line.deviceHash && click.advertiserId === line.sellerId;
    return fits && ageMs >= 0 && ageMs <= rules.clickWindowMs;
  });
  const direct = latest(inTime.filter((click) => click.productId === line.productId));
  if (!rules.indirectCounts) return direct;
  return rules.directFirst ? (direct ?? latest(inTime)) : latest(inTime);
}

/** Measured with our own times, so that it does not depend on when somebody looks. A cancellation may come first. */
export function isInReversalHorizon(placedAt: number, cancelledAt: number): boolean {
  return cancelledAt - placedAt <= REVERSAL_HORIZON_MS;
}

function latest(clicks: readonly MatchClick[]): MatchClick | undefined {
  let best: MatchClick | undefined;
  for (const click of clicks) {
    if (best === undefined || isLater(click, best)) best = click;
  }
  return best;
}

function isLater(one: MatchClick, other: MatchClick): boolean {
  return one.recordedAt === other.recordedAt
    ? one.clickId > other.clickId
    : one.recordedAt > other.recordedAt;
}

function conversionOf(line: MatchOrderLine, click: MatchClick, reversedAt: number | null): Conversion {
  return {
    orderLineId: line.orderLineId,
    orderId: line.orderId,
    clickId: click.clickId,
    adId: click.adId,
    campaignId: click.campaignId,
    advertiserId: click.advertiserId,
    placement: click.placement,
    productId: line.productId,
    match: click.productId === line.productId ? 'direct' : 'indirect',
    quantity: line.quantity,
    conversionValueKrw: line.amountKrw,
    clickedAt: click.recordedAt,
    convertedAt: line.recordedAt,
    reversedAt,
  };
}

function firstOfEach<K extends string, T extends { readonly [key in K]: string }>(
  rows: readonly T[],
  id: K,
): T[] {
  const seen = new Set<string>();
  return rows.filter((row) => !seen.has(row[id]) && seen.add(row[id]));
}
