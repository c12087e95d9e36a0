import { randomUUID } from 'node:crypto';
import type { Caller, Json } from './http.js';
import { type Stage, waitFor } from './stage.js';

/** What shoppers and their shop do: ask, see, click, buy, cancel. */
export const newDevice = () => `demo-${randomUUID()}`;

const SHOPPER = {
  'x-shopper-user-agent':
    'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
};
/** Event time of a click is minutes old at most; the statements answer within seconds. */
export const MATCHED_WITHIN_MS = 90_000;
const SHOWN_WITHIN_MS = 30_000;

export interface AdQueryFields {
  readonly placement: string;
  readonly query?: string;
  readonly category?: string;
}

/** The answer to a query in which this campaign stands. */
export async function seeAds(
  shop: Caller,
  deviceId: string,
  query: AdQueryFields,
  campaignId: string,
): Promise<Json> {
  return waitFor(`an ad of ${campaignId}`, SHOWN_WITHIN_MS, async () => {
    const answer = await ask(shop, deviceId, query);
    return answer.ads.some((ad: Json) => ad.campaignId === campaignId) ? answer : null;
  });
}

export async function ask(shop: Caller, deviceId: string, query: AdQueryFields): Promise<Json> {
  const params = new URLSearchParams({ maxAds: '5', ...query, deviceId });
  return shop.get(`/v1/ads?${params}`);
}

/** A click, with its final answer. */
export async function click(shop: Caller, answer: Json, adId: string, deviceId: string): Promise<Json> {
  const { clickToken } = answer;
  const clickedAt = new Date().toISOString();
  const sent = { clickToken, adId, deviceId, clickedAt };
  const first = await shop.post('/v1/clicks', sent, { headers: SHOPPER });
  if (first.outcome !== 'accepted') return first;
  return waitFor(`click ${first.clickId} is decided`, SHOWN_WITHIN_MS, async () => {
    const { status, body } = await shop.ask('GET', `/v1/clicks/${first.clickId}`);
    return status === 200 ? body : null;
  });
}

export interface BoughtLine {
  readonly productId: string;
  readonly sellerId: string;
  readonly quantity: number;
  readonly unitPriceKrw: number;
}

export async function order(shop: Caller, deviceId: string, lines: readonly BoughtLine[]): Promise<string> {
  const orderId = `demo-${randomUUID()}`;
  await shop.post('/v1/orders', {
    orderId,
    deviceId,
    orderedAt: new Date().toISOString(),
    lines: lines.map((line, index) => ({ lineNo: index + 1, ...line })),
  });
  return orderId;
}

export async function cancelLine(shop: Caller, orderId: string, deviceId: string, lineNo: number) {
  await shop.post(`/v1/orders/${orderId}/cancellations`, { deviceId, lines: [{ lineNo }] });
}

/** Serves, shows, clicks and buys once; every answer is looked at. */
export async function buyThroughAnAd(
  stage: Stage,
  shop: Caller,
  campaign: { campaignId: string; keyword: string; productIds: readonly string[]; advertiserId: string },
): Promise<{
  readonly deviceId: string;
  readonly orderId: string;
  readonly click: Json;
  readonly adId: string;
}> {
  const deviceId = newDevice();
  const answer = await seeAds(
    shop,
    deviceId,
    { placement: 'SEARCH', query: campaign.keyword },
    campaign.campaignId,
  );
  const ad = answer.ads.find((one: Json) => one.campaignId === campaign.campaignId);
  stage.check('the search shows the ad, marked as one', ad.label === '광고', `${ad.adId} in slot ${ad.slot}`);
  await shop.post('/v1/impressions', {
    clickToken: answer.clickToken,
    deviceId,
    adIds: answer.ads.map((one: Json) => one.adId),
  });
  const clicked = await click(shop, answer, ad.adId, deviceId);
  stage.check(
    'the click is charged at once',
    clicked.outcome === 'charged',
    `${clicked.clickId}, ${clicked.chargedCpcKrw}원`,
  );
  const again = await shop.post(
    '/v1/clicks',
    { clickToken: answer.clickToken, adId: ad.adId, deviceId, clickedAt: new Date().toISOString() },
    { headers: SHOPPER },
  );
  stage.check('the same click again is the same click', again.clickId === clicked.clickId);
  const other = campaign.productIds.find((productId) => productId !== ad.productId) ?? ad.productId;
  const line = { sellerId: campaign.advertiserId, quantity: 1, unitPriceKrw: 12_000 };
  const orderId = await order(shop, deviceId, [
    { ...line, productId: ad.productId, quantity: 2 },
    { ...line, productId: other, unitPriceKrw: 15_000 },
  ]);
  stage.tell('the shopper buys the advertised product and another of the seller', orderId);
  return { deviceId, orderId, click: clicked, adId: ad.adId };
}
