import type { OrderImport, ShopAction } from '../../../outside/commerce/order-import.js';

/** Business time stands at three hours of each day of the feed, one hour apart: 23, 24 and 25 hours can be told apart. */
export const BATCHES_PER_DAY = 3;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FEED_STARTS_AT = Date.UTC(2011, 10, 1);
/** Where the feed's days are cut into batches of about the same size. */
const BATCH_ENDS_AT_HOUR = [11, 14] as const;

/** When a shopper visits, by the order that follows (or, for `after`, that was before). */
export const LEADS = [
  'just before',
  'an hour before',
  '23 hours before',
  'a little less than 24 hours before',
  'a little more than 24 hours before',
  '25 hours before',
  'after',
] as const;
export type Lead = (typeof LEADS)[number];

export interface Basket {
  readonly deviceId: string;
  readonly goods: readonly { readonly productId: string; readonly sellerId: string }[];
}
export interface Visit {
  readonly basket: Basket;
  readonly lead: Lead;
}

export interface Batch {
  /** Business time after the replay's start. */
  readonly atMs: number;
  readonly visitsBefore: Visit[];
  readonly actions: { readonly action: ShopAction; readonly isRepeated: boolean }[];
  readonly visitsAfter: Visit[];
}

export interface PlanParams {
  /** Share of the baskets whose shoppers see ads, in [0, 1]. */
  readonly visitedShare: number;
  /** Share of the orders that the shop sends twice. */
  readonly repeatedShare: number;
  readonly random: () => number;
}

/**
 * Who visits before which order, by seed. Baskets of which a line is cancelled later are always visited, so that
 * reversals are among the results.
 */
export function planReplay({ actions }: OrderImport, params: PlanParams): Batch[] {
  const { random } = params;
  const places = actions.map((action) => batchOf(action.at));
  const batches = Array.from({ length: Math.max(...places) + 1 }, (_, place) => emptyBatch(place));
  const cancelled = new Set(
    actions.flatMap((action) => (action.kind === 'cancellation' ? [action.orderId] : [])),
  );
  const visited = new Set<string>();
  for (const [index, action] of actions.entries()) {
    const place = places[index] ?? 0;
    const isRepeated = action.kind === 'order' && random() < params.repeatedShare;
    batches[place]?.actions.push({ action, isRepeated });
    if (action.kind !== 'order' || visited.has(action.orderId)) continue;
    if (random() >= params.visitedShare && !cancelled.has(action.orderId)) continue;
    visited.add(action.orderId);
    const visits = 1 + Math.floor(random() * 3);
    for (let visit = 0; visit < visits; visit += 1) addVisit(batches, place, action, random);
  }
  return batches;
}

function emptyBatch(place: number): Batch {
  const day = Math.floor(place / BATCHES_PER_DAY);
  const atMs = day * DAY_MS + (place % BATCHES_PER_DAY) * HOUR_MS;
  return { atMs, visitsBefore: [], actions: [], visitsAfter: [] };
}

function batchOf(at: number): number {
  const sinceStart = at - FEED_STARTS_AT;
  const day = Math.floor(sinceStart / DAY_MS);
  const hour = Math.floor((sinceStart % DAY_MS) / HOUR_MS);
  return day * BATCHES_PER_DAY + BATCH_ENDS_AT_HOUR.filter((end) => hour >= end).length;
}

function addVisit(batches: readonly Batch[], place: number, basket: Order, random: () => number): void {
  const lead = LEADS[Math.floor(random() * LEADS.length)] ?? 'just before';
  const found = visitPlace(lead, place);
  const batch = batches[found.place];
  const { deviceId, lines } = basket;
  const goods = lines.map(({ productId, sellerId }) => ({ productId, sellerId }));
  // On the feed's first day nobody can have visited the day before.
  const visit = { basket: { deviceId, goods }, lead: batch === undefined ? 'just before' : lead } as const;
  if (batch === undefined) batches[place]?.visitsBefore.push(visit);
  else if (found.isAfterOrders) batch.visitsAfter.push(visit);
  else batch.visitsBefore.push(visit);
}
type Order = Extract<ShopAction, { kind: 'order' }>;

/** Hours are places within a day: a batch next to another one in time, but of the same day. */
function visitPlace(lead: Lead, place: number): { place: number; isAfterOrders: boolean } {
  const hour = place % BATCHES_PER_DAY;
  const yesterday = place - BATCHES_PER_DAY;
  switch (lead) {
    case 'just before':
      return { place, isAfterOrders: false };
    case 'an hour before':
      return hour > 0 ? { place: place - 1, isAfterOrders: true } : { place, isAfterOrders: false };
    case '23 hours before':
      return { place: hour < BATCHES_PER_DAY - 1 ? yesterday + 1 : yesterday, isAfterOrders: true };
    case 'a little less than 24 hours before':
      return { place: yesterday, isAfterOrders: true };
    case 'a little more than 24 hours before':
      return { place: yesterday, isAfterOrders: false };
    case '25 hours before':
      return { place: hour > 0 ? yesterday - 1 : yesterday, isAfterOrders: false };
    case 'after':
      return { place, isAfterOrders: true };
  }
}
