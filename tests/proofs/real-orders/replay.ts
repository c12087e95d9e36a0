import { keywordsFor } from '../../../outside/commerce/keywords.js';
import type { ShopAction } from '../../../outside/commerce/order-import.js';
import type { ShopClient } from '../../../outside/commerce/shop-client/client.js';
import type { Ad, AdAnswer, AdQuery, Reported } from '../../../outside/commerce/shop-client/types.js';
import type { ProofClock } from './business-clock.js';
import type { SentClick, SentLine } from './expected.js';
import type { Basket, Batch, Lead, Visit } from './plan.js';

/** Before the time is known at which the ad system recorded it. */
export type Unrecorded<T> = Omit<T, 'recordedAt' | 'cancelledAt'>;

export interface Sent {
  readonly clicks: Map<string, Unrecorded<SentClick> & { readonly lead: Lead | 'sentinel' }>;
  readonly lines: Map<string, Unrecorded<SentLine>>;
  readonly cancelledLines: Set<string>;
  readonly counts: { requests: number; visits: number; unfilled: number; repeated: number };
  /** Anything but a promise of the ad system. */
  readonly failures: string[];
}

export interface ReplayDeps {
  readonly shop: ShopClient;
  readonly clock: ProofClock;
  readonly categoryOf: (productId: string) => string;
  readonly random: () => number;
}

const ORDERS_AT_ONCE = 4;
const PLACEMENTS = ['HOME', 'CATEGORY', 'PRODUCT_DETAIL', 'SEARCH'] as const;
const CATEGORY_KEYWORDS = 4;
/** The category's own words, which all of its campaigns bid on, come first. */
const keywordOf = (category: string, random: () => number) =>
  keywordsFor(category, [], CATEGORY_KEYWORDS)[Math.floor(random() * CATEGORY_KEYWORDS)] ?? category;

export const nothingSent = (): Sent => ({
  clicks: new Map(),
  lines: new Map(),
  cancelledLines: new Set(),
  counts: { requests: 0, visits: 0, unfilled: 0, repeated: 0 },
  failures: [],
});

/** Visits, then orders and cancellations, then visits again, at one place of business time. */
export async function replayBatch(deps: ReplayDeps, batch: Batch, sent: Sent): Promise<void> {
  const clickedNow = new Set<string>();
  for (const visit of batch.visitsBefore) await visitAndClick(deps, visit, sent, clickedNow);
  const queue = [...batch.actions];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await report(deps, next.action, sent);
      if (!next.isRepeated) continue;
      sent.counts.repeated += 1;
      await report(deps, next.action, sent);
    }
  };
  await Promise.all(Array.from({ length: ORDERS_AT_ONCE }, worker));
  for (const visit of batch.visitsAfter) await visitAndClick(deps, visit, sent, clickedNow);
}

/**
 * Only ads that were really answered are clicked: one of a product in the basket if there is one, else one of its
 * sellers, else the best. A device clicks an ad once in a batch: a second click within ten seconds is no clean one.
 */
async function visitAndClick(
  deps: ReplayDeps,
  visit: Visit,
  sent: Sent,
  clickedNow: Set<string>,
): Promise<void> {
  const { deviceId, goods } = visit.basket;
  sent.counts.visits += 1;
  const answer = await deps.shop.fetchAds(queryFor(visit.basket, deps));
  const fresh = answer.ads.filter((ad) => !clickedNow.has(`${deviceId} ${ad.adId}`));
  const ad =
    fresh.find((one) => goods.some((good) => good.productId === one.productId)) ??
    fresh.find((one) => goods.some((good) => good.sellerId === one.advertiserId)) ??
    fresh[0];
  if (ad === undefined) {
    sent.counts.unfilled += 1;
    return;
  }
  clickedNow.add(`${deviceId} ${ad.adId}`);
  await click(deps, answer, ad, deviceId, visit.lead, sent);
}

export async function click(
  { shop, clock }: Pick<ReplayDeps, 'shop' | 'clock'>,
  served: AdAnswer,
  ad: Ad,
  deviceId: string,
  lead: Lead | 'sentinel',
  sent: Sent,
): Promise<void> {
  const { adId, campaignId, advertiserId, productId } = ad;
  const { placement } = served;
  const answer = await shop.reportClick(served, ad, {}, new Date(clock.now()));
  if (answer.state !== 'answered') {
    sent.failures.push(`click: ${JSON.stringify(answer)}`);
    return;
  }
  const { clickId } = answer.body;
  const facts = { clickId, deviceId, adId, campaignId, advertiserId, productId, placement, lead };
  sent.clicks.set(clickId, facts);
}

function queryFor({ deviceId, goods }: Basket, { categoryOf, random }: ReplayDeps): AdQuery {
  const good = goods[Math.floor(random() * goods.length)];
  const category = good === undefined ? '' : categoryOf(good.productId);
  const placement = PLACEMENTS[Math.floor(random() * PLACEMENTS.length)] ?? 'HOME';
  const common = { placement, deviceId, maxAds: 20 };
  switch (placement) {
    case 'HOME':
      return common;
    case 'CATEGORY':
    case 'PRODUCT_DETAIL':
      return { ...common, category };
    case 'SEARCH':
      return { ...common, query: keywordOf(category, random) };
  }
}

export async function report(
  { shop, clock }: Pick<ReplayDeps, 'shop' | 'clock'>,
  action: ShopAction,
  sent: Sent,
): Promise<void> {
  const { orderId, deviceId } = action;
  sent.counts.requests += 1;
  if (action.kind === 'cancellation') {
    noteRefusal(await shop.cancelOrder(orderId, { deviceId, lines: action.lines }), sent);
    for (const { lineNo } of action.lines) sent.cancelledLines.add(`${orderId}:${lineNo}`);
    return;
  }
  const orderedAt = new Date(clock.now()).toISOString();
  noteRefusal(await shop.reportOrder({ orderId, deviceId, orderedAt, lines: action.lines }), sent);
  for (const { lineNo, ...line } of action.lines) {
    const orderLineId = `${orderId}:${lineNo}`;
    sent.lines.set(orderLineId, { orderLineId, deviceId, ...line });
  }
}

function noteRefusal(answer: Reported<unknown>, sent: Sent): void {
  if (answer.state !== 'answered') sent.failures.push(JSON.stringify(answer));
}
