import { DAY_MS } from './business-date.js';
import { grouped } from './grouped.js';

/** Rises when the rule below changes; stored with every result. */
export const CONVERSION_RULES_VERSION = 1;
/** How long before an order line its click may lie, exactly this long included. */
export const CONVERSION_WINDOW_MS = DAY_MS;

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
): readonly Conversion[] {
  const clicksOf = grouped(firstOfEach(clicks, 'clickId'), (click) => click.deviceHash);
  const cancelled = new Map(
    firstOfEach(cancellations, 'orderLineId').map((line) => [line.orderLineId, line.recordedAt]),
  );
  return firstOfEach(orderLines, 'orderLineId').flatMap((line) => {
    const click = creditedClick(line, clicksOf.get(line.deviceHash) ?? []);
    if (click === undefined) return [];
    return [conversionOf(line, click, cancelled.get(line.orderLineId) ?? null)];
  });
}

/**
 * The click that an order line is credited to: same device, same seller, at most 24 hours before; the bought product
 * before another one of the seller, then the latest, then the greatest click id. An unknown device matches nothing.
 */
export function creditedClick(line: MatchOrderLine, clicks: readonly MatchClick[]): MatchClick | undefined {
  if (line.deviceHash === '') return undefined;
  const inTime = clicks.filter((click) => {
    const ageMs = line.recordedAt - click.recordedAt;
    const fits = click.deviceHash === line.deviceHash && click.advertiserId === line.sellerId;
    return fits && ageMs >= 0 && ageMs <= CONVERSION_WINDOW_MS;
  });
  const direct = inTime.filter((click) => click.productId === line.productId);
  return latest(direct) ?? latest(inTime);
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
