import { afterAll, beforeAll, expect, it } from 'vitest';
import { createShopClient, type ShopClient } from '../../outside/commerce/shop-client/client.js';
import type { DropReason, UnsentReport } from '../../outside/commerce/shop-client/types.js';
import { poll } from '../support/poll.js';
import { newDevice } from '../support/shop.js';
import { rankedAd } from './ad-server-harness.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';

let world: AdServerWorld;
let client: ShopClient;
const dropped: [UnsentReport, DropReason][] = [];

beforeAll(async () => {
  world = await AdServerWorld.open();
  client = open();
});
afterAll(async () => {
  client.close();
  await world.close();
});

function open(apiKey = world.apiKey): ShopClient {
  return createShopClient({
    adServerUrl: world.server.url,
    apiKey,
    log: { warn() {}, error() {} },
    // A machine that runs all tests at once: what is looked at here is what is answered, not how soon.
    adsWithinMs: 5_000,
    onDropped: (report, reason) => dropped.push([report, reason]),
  });
}

async function servedPage(name: string) {
  const category = newCategory();
  await world.writer.write('CATEGORY', category, [rankedAd(name, 500), rankedAd(`${name}-rival`, 300)]);
  await world.untilShown(category, [`ad_${name}`, `ad_${name}-rival`]);
  const deviceId = newDevice();
  const answer = await client.fetchAds({ placement: 'CATEGORY', category, deviceId, segments: 'new,vip' });
  const [ad] = answer.ads;
  if (ad === undefined) throw new Error('no ad');
  return { answer, ad };
}

it('a page’s ads, seen and clicked: the real ad server takes every call as the types say it', async () => {
  const { answer, ad } = await servedPage('typed');
  expect(answer).toMatchObject({
    answered: true,
    placement: 'CATEGORY',
    ads: [{ adId: 'ad_typed', label: '광고' }, {}],
  });
  const seen = await client.reportImpressions(answer, answer.ads);
  expect(seen).toMatchObject({ state: 'answered', status: 202, body: { recorded: 2 } });
  const shopper = { ip: '203.0.113.9', userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1)' };
  const clicked = await client.reportClick(answer, ad, shopper);
  expect(clicked).toMatchObject({ state: 'answered', body: { outcome: 'accepted' } });
  const { value } = await world.clickEvent(ad.adId);
  // The shopper's own headers arrived: a declared robot, and an address that is kept as a hash.
  expect(value).toMatchObject({ signals: { listedBot: true }, ipHash: expect.any(String) });
});

it('a click that is sent again has the same id', async () => {
  const { answer, ad } = await servedPage('replayed');
  const first = await client.reportClick(answer, ad);
  const again = await client.reportClick(answer, ad);
  if (first.state !== 'answered' || again.state !== 'answered') throw new Error('not answered');
  expect(again.body.clickId).toBe(first.body.clickId);
  await poll('both are in the log', () => Promise.resolve(world.clicksOf(ad.adId).length === 2));
  expect(await client.readClick(first.body.clickId)).toBeNull();
});

it('a token of another device or a key that is none is refused with a next step, and nothing is kept', async () => {
  const { answer, ad } = await servedPage('refused');
  const stranger = await client.reportClick({ ...answer, deviceId: newDevice() }, ad);
  expect(stranger).toMatchObject({
    state: 'refused',
    code: 'forged_click_token',
    nextStep: expect.any(String),
  });
  const nobody = open('no-key-of-ours');
  expect(await nobody.fetchAds({ placement: 'HOME', deviceId: 'd' })).toMatchObject({
    answered: false,
    ads: [],
  });
  const refused = await nobody.reportClick(answer, ad);
  expect(refused).toMatchObject({ state: 'refused', status: 401, code: 'unauthenticated' });
  expect([nobody.waiting(), client.waiting(), dropped]).toEqual([0, 0, []]);
});
