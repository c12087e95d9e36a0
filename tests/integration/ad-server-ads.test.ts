import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BudgetLeft } from '../../contracts/budget-signal.js';
import { adsServedSchema } from '../../contracts/events/ad-events.js';
import { problemSchema } from '../../contracts/http/problem.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../../contracts/redis-keys.js';
import { businessDateOf } from '../../domain/business-date.js';
import { normaliseKeyword } from '../../domain/placement.js';
import { EVERYBODY } from '../../domain/targeting.js';
import { createClickTokens } from '../../infra/click-token.js';
import { createPageTokens } from '../../infra/page-token.js';
import { poll, quantile } from '../support/poll.js';
import { servedAdsOf } from '../support/served-ads.js';
import { connectShop, newDevice } from '../support/shop.js';
import { insertApiKey, rankedAd } from './ad-server-harness.js';
import { AdServerWorld, inCategory, newCategory } from './ad-server-world.js';

let world: AdServerWorld;
beforeAll(async () => {
  world = await AdServerWorld.open();
});
afterAll(() => world.close());

/** Of five times the middle one: a machine that stalls delays one or two. */
async function expectWithin(ms: number, act: (name: string) => Promise<unknown>): Promise<void> {
  const tookMs: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const startedAt = performance.now();
    await act(`timed-${n}`);
    tookMs.push(performance.now() - startedAt);
  }
  expect(quantile(tookMs, 0.5)).toBeLessThan(ms);
}

describe('ads', () => {
  it('are served from a ranking within a second of its writing, priced against the runner-up', async () => {
    const category = newCategory();
    expect((await world.shop.ads(inCategory(category))).body).toMatchObject({
      ads: [],
      noFillReason: 'no_candidates',
    });
    await world.writer.write('CATEGORY', category, [rankedAd('first', 500), rankedAd('second', 300)]);
    await world.untilShown(category, ['ad_first', 'ad_second']);
    const { status, body } = await world.shop.ads(inCategory(category));
    expect(status).toBe(200);
    expect(body.ads[0]).toEqual({
      adId: 'ad_first',
      slot: 1,
      productId: 'product-first',
      campaignId: 'cmp_first',
      advertiserId: 'adv_first',
      label: '광고',
    });
    const token = createClickTokens(world.config.CLICK_TOKEN_KEYS).verify(body.clickToken, Date.now());
    expect(token.ok && token.payload.ads.map((ad) => [ad.adId, ad.priceKrw, ad.runnerUpScore])).toEqual([
      ['ad_first', 300, 6_000_000],
      ['ad_second', 50, null],
    ]);
    await expectWithin(1_000, async (name) => {
      const another = newCategory();
      await world.writer.write('CATEGORY', another, [rankedAd(name, 500)]);
      await world.untilShown(another, [`ad_${name}`]);
    });
  });

  it('follow bid changes, deleted rankings, and keep the last good one when a bad one is written', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('a', 500), rankedAd('b', 300)]);
    await world.untilShown(category, ['ad_a', 'ad_b']);
    await world.writer.write('CATEGORY', category, [rankedAd('b', 700), rankedAd('a', 500)]);
    await world.untilShown(category, ['ad_b', 'ad_a']);
    await world.writer.write('CATEGORY', category, '[{"adId":"ad_c"}]');
    await poll(
      'the bad ranking was noticed',
      async () => (await world.server.metric('ads_ranking_bad_blobs_total')) > 0,
    );
    expect(await world.shownIn(category)).toEqual(['ad_b', 'ad_a']);
    await world.writer.write('CATEGORY', category, null);
    await world.untilShown(category, []);
  });

  it('find a keyword in any of its spellings', async () => {
    const keyword = `mug ${randomBytes(3).toString('hex')}`;
    await world.writer.write('SEARCH', normaliseKeyword(keyword), [rankedAd('mug', 200)]);
    await poll('the keyword is served', async () => {
      const query = `  ${keyword.toUpperCase().replace(' ', '   ')}`;
      return (
        (await world.shop.ads({ placement: 'SEARCH', query, deviceId: newDevice() })).body.ads.length === 1
      );
    });
  });

  it('never show the product being looked at', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('seen', 500)]);
    await world.untilShown(category, ['ad_seen']);
    const { body } = await world.shop.ads(inCategory(category, { productId: 'product-seen' }));
    expect(body).toMatchObject({ ads: [], noFillReason: 'all_filtered' });
  });

  it('are shown only to those whom their campaign names', async () => {
    const category = newCategory();
    const targeting = JSON.stringify({ ...EVERYBODY, deviceTypes: ['mobile'], segments: ['vip'] });
    await world.writer.write('CATEGORY', category, [
      rankedAd('vip', 500, { targeting }),
      rankedAd('all', 300),
    ]);
    await world.untilShown(category, ['ad_all']);
    const shownTo = async (more: Record<string, string>) =>
      (await world.shop.ads(inCategory(category, more))).body.ads.map((ad) => ad.adId);
    expect(await shownTo({ deviceType: 'mobile', segments: 'new,vip' })).toEqual(['ad_vip', 'ad_all']);
    expect(await shownTo({ deviceType: 'desktop', segments: 'vip' })).toEqual(['ad_all']);
    const wrong = await world.shop.ads(inCategory(category, { deviceType: 'fridge' }));
    expect([wrong.status, wrong.body.code]).toEqual([400, 'invalid_request']);
  });

  it('are reported as served, with every slot, in the log', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('s1', 500), rankedAd('s2', 300)]);
    await world.untilShown(category, ['ad_s1', 'ad_s2']);
    const { body } = await world.shop.ads(inCategory(category));
    const served = await poll('ADS_SERVED of this request', () => {
      const records = world.eventsOf('ADS_SERVED');
      const ads = records.flatMap((record) => servedAdsOf(adsServedSchema.parse(record.value)));
      const mine = ads.filter((ad) => ad.requestId === body.requestId);
      return Promise.resolve(mine.length > 0 && mine);
    });
    expect(served.map((ad) => [ad.adId, ad.slot])).toEqual([
      ['ad_s1', 1],
      ['ad_s2', 2],
    ]);
  });
});

describe('money near its end', () => {
  const left = (leftKrw: number, version: number): BudgetLeft[] => [
    { scope: 'campaign', id: 'cmp_nearly', leftKrw, untilDate: null, version },
  ];
  const tell = (channel: string, message: object[]) =>
    world.writer.redis.publish(channel, JSON.stringify(message));

  it('leaves out an ad that could not pay its price, for as long as it cannot', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('nearly', 500), rankedAd('enough', 300)]);
    await world.untilShown(category, ['ad_nearly', 'ad_enough']);
    // One won above the rival's bid: an equal score would lose by ad id.
    await tell(REDIS_CHANNELS.budgetLeft, left(300, 1));
    await world.untilShown(category, ['ad_enough']);
    await tell(REDIS_CHANNELS.budgetLeft, left(301, 2));
    await world.untilShown(category, ['ad_nearly', 'ad_enough']);
    expect(await world.server.metric('ads_no_bid_total{reason="cannot_afford"}')).toBeGreaterThan(0);
  });

  it('and even spending sits out all queries, or none', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('even', 500), rankedAd('asap', 300)]);
    await world.untilShown(category, ['ad_even', 'ad_asap']);
    await tell(REDIS_CHANNELS.pacingChanged, [{ campaignId: 'cmp_even', passPpm: 0 }]);
    await world.untilShown(category, ['ad_asap']);
    await tell(REDIS_CHANNELS.pacingChanged, [{ campaignId: 'cmp_even', passPpm: 1_000_000 }]);
    await world.untilShown(category, ['ad_even', 'ad_asap']);
  });
});

describe('pages of one visit', () => {
  const five = ['v1', 'v2', 'v3', 'v4', 'v5'];
  const ranked = five.map((name, index) => rankedAd(name, 900 - 100 * index));
  const shown = (answer: { body: { ads: readonly { adId: string; slot: number }[] } }) =>
    answer.body.ads.map(({ adId, slot }) => [slot, adId]);

  it('show no ad twice, count slots on, and end with a reason', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, ranked);
    await world.untilShown(
      category,
      five.map((name) => `ad_${name}`),
    );
    const query = inCategory(category, { maxAds: 2 });
    const page = (pageToken = '') => world.shop.ads(pageToken === '' ? query : { ...query, pageToken });
    const first = await page();
    const second = await page(first.body.nextPageToken);
    const third = await page(second.body.nextPageToken);
    const end = await page(third.body.nextPageToken);
    expect([first, second, third].map(shown)).toEqual([
      [
        [1, 'ad_v1'],
        [2, 'ad_v2'],
      ],
      [
        [3, 'ad_v3'],
        [4, 'ad_v4'],
      ],
      [[5, 'ad_v5']],
    ]);
    expect(end).toMatchObject({ status: 200, body: { ads: [], noFillReason: 'end_of_list' } });
    expect(end.body.nextPageToken).toBeUndefined();
    expect(shown(await page(first.body.nextPageToken))).toEqual(shown(second));
    const token = createClickTokens(world.config.CLICK_TOKEN_KEYS).verify(second.body.clickToken, Date.now());
    expect(token.ok && token.payload.ads.map((ad) => [ad.slot, ad.priceKrw])).toEqual([
      [3, 600],
      [4, 500],
    ]);
  });

  it('are refused with a next step when their token is forged, foreign or too old', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, ranked);
    await world.untilShown(
      category,
      five.map((name) => `ad_${name}`),
    );
    const query = inCategory(category, { maxAds: 2 });
    const { body } = await world.shop.ads(query);
    const genuine = body.nextPageToken ?? '';
    const refusal = async (change: Record<string, string>, pageToken = genuine) => {
      const answer = await world.shop.ads({ ...query, ...change, pageToken });
      const { code, nextStep, errors } = problemSchema.parse(answer.body);
      expect(nextStep).not.toBe('');
      return [answer.status, code, errors?.map(({ field }) => field).join()];
    };
    const refused = (code: string) => [400, code, 'query.pageToken'];
    expect(await refusal({}, `${genuine.slice(0, -1)}${genuine.endsWith('A') ? 'B' : 'A'}`)).toEqual(
      refused('forged_page_token'),
    );
    expect(await refusal({}, body.clickToken)).toEqual(refused('forged_page_token'));
    expect(await refusal({}, 'x')).toEqual(refused('forged_page_token'));
    expect(await refusal({}, 'x'.repeat(2_049))).toEqual(refused('invalid_request'));
    expect(await refusal({ category: newCategory() })).toEqual(refused('foreign_page_token'));
    expect(await refusal({ placement: 'PRODUCT_DETAIL' })).toEqual(refused('foreign_page_token'));
    expect(await refusal({ deviceId: newDevice() })).toEqual(refused('foreign_page_token'));
    const pages = createPageTokens(world.config.CLICK_TOKEN_KEYS);
    const payload = pages.verify(genuine, Date.now());
    if (payload === null) throw new Error('the genuine token is not genuine');
    const aged = (ageMs: number) => pages.sign({ ...payload, issuedAt: Date.now() - ageMs });
    expect(await refusal({}, aged(31 * 60_000))).toEqual(refused('expired_page_token'));
    const inTime = await world.shop.ads({ ...query, pageToken: aged(29 * 60_000) });
    expect(shown(inTime)).toEqual([
      [3, 'ad_v3'],
      [4, 'ad_v4'],
    ]);
  });
});

describe('a stop', () => {
  it('takes ads out of the answers within a second, and a newer version brings them back', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('rich', 500), rankedAd('poor', 300)]);
    await world.untilShown(category, ['ad_rich', 'ad_poor']);
    await world.writer.stop({ scope: 'campaign', id: 'cmp_rich', version: 10 });
    await world.untilShown(category, ['ad_poor']);
    await world.writer.stop({ scope: 'advertiser', id: 'adv_poor', version: 11 });
    await world.untilShown(category, []);
    await world.writer.stop({
      scope: 'campaign',
      id: 'cmp_rich',
      version: 12,
      stopped: false,
      reason: 'none',
    });
    await world.untilShown(category, ['ad_rich']);
    let shown = ['timed-0', 'timed-1', 'timed-2', 'timed-3', 'timed-4'];
    await world.writer.write(
      'CATEGORY',
      category,
      shown.map((name, index) => rankedAd(name, 500 - index)),
    );
    await world.untilShown(
      category,
      shown.map((name) => `ad_${name}`),
    );
    await expectWithin(1_000, async (name) => {
      await world.writer.stop({ scope: 'campaign', id: `cmp_${name}`, version: 1 });
      shown = shown.filter((one) => one !== name);
      await world.untilShown(
        category,
        shown.map((one) => `ad_${one}`),
      );
    });
  });

  it('of an older version is ignored, even when it is told directly', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('late', 500), rankedAd('marker', 300)]);
    await world.untilShown(category, ['ad_late', 'ad_marker']);
    const stop = { scope: 'campaign', id: 'cmp_late', reason: 'none', untilDate: null } as const;
    const tell = (stops: object[]) =>
      world.writer.redis.publish(REDIS_CHANNELS.servingStopsChanged, JSON.stringify(stops));
    await tell([{ ...stop, stopped: false, version: 5 }]);
    await tell([
      { ...stop, stopped: true, version: 4 },
      { ...stop, id: 'cmp_marker', stopped: true, version: 1 },
    ]);
    await world.untilShown(category, ['ad_late']);
  });

  it('for the day ends by itself when the day is over', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('today', 500), rankedAd('yesterday', 300)]);
    await world.untilShown(category, ['ad_today', 'ad_yesterday']);
    const now = Date.now();
    await world.writer.stop({
      scope: 'campaign',
      id: 'cmp_yesterday',
      version: 1,
      untilDate: businessDateOf(now - 86_400_000),
    });
    await world.writer.stop({
      scope: 'campaign',
      id: 'cmp_today',
      version: 1,
      untilDate: businessDateOf(now),
    });
    await world.untilShown(category, ['ad_yesterday']);
  });
});

describe('who may ask, and what', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, world.server.url), {
      ...init,
      headers: { authorization: `Bearer ${world.apiKey}`, ...init.headers },
    });

  it('nobody without a key, and each key only what its scopes say', async () => {
    const readOnly = await insertApiKey(world.database.appPool, world.config.HASH_KEY, ['ads:read']);
    const click = await world.servedClick('scoped');
    const strangers = connectShop(world.server.url, 'ak_unknown');
    expect((await strangers.ads({ placement: 'HOME', deviceId: 'd' })).status).toBe(401);
    expect((await strangers.click(click)).status).toBe(401);
    const reader = connectShop(world.server.url, readOnly);
    expect((await reader.ads({ placement: 'HOME', deviceId: 'd' })).status).toBe(200);
    expect((await reader.click(click)).status).toBe(403);
    const viaHeader = await ask('/v1/ads?placement=HOME&deviceId=d', {
      headers: { authorization: '', 'x-api-key': world.apiKey },
    });
    expect(viaHeader.status).toBe(200);
  });

  it.each([
    ['placement=MOON&deviceId=d', 'query.placement'],
    ['placement=CATEGORY&deviceId=d', 'query.category'],
    ['placement=PRODUCT_DETAIL&deviceId=d', 'query.category'],
    ['placement=SEARCH&deviceId=d', 'query.query'],
    ['placement=HOME', 'query.deviceId'],
    ['placement=HOME&deviceId=d&maxAds=0', 'query.maxAds'],
    ['placement=HOME&deviceId=d&productID=1', 'query.productID'],
  ])('names the wrong field of %s', async (query, field) => {
    const response = await ask(`/v1/ads?${query}`);
    expect(response.status).toBe(400);
    const problem = (await response.json()) as { errors: { field: string }[] };
    expect(problem.errors.map((error) => error.field)).toContain(field);
  });

  it('answers are not to be cached and carry a correlation id', async () => {
    const response = await ask('/v1/ads?placement=HOME&deviceId=d');
    const { requestId } = (await response.json()) as { requestId: string };
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-correlation-id')).toBe(requestId);
    expect(response.headers.get('etag')).toBeNull();
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  it('unreadable bodies and wrong methods are problems, not crashes', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await ask('/v1/clicks', { method: 'POST', headers: json, body: '{' })).status).toBe(400);
    expect((await ask('/v1/clicks', { method: 'POST', headers: json, body: '{}' })).status).toBe(400);
    expect((await ask('/v1/clicks', { method: 'POST', body: 'text' })).status).toBe(415);
    expect((await ask('/v1/ads', { method: 'DELETE' })).status).toBe(405);
    expect((await ask('/v1/nothing')).status).toBe(404);
    expect((await ask('/v1/ads?placement=HOME&deviceId=d')).status).toBe(200);
  });
});

describe('a new epoch', () => {
  it('is read completely, and what it does not hold any more disappears', async () => {
    const stays = newCategory();
    const goes = newCategory();
    await world.writer.write('CATEGORY', stays, [rankedAd('stays', 500)]);
    await world.writer.write('CATEGORY', goes, [rankedAd('goes', 500)]);
    await world.untilShown(stays, ['ad_stays']);
    await world.untilShown(goes, ['ad_goes']);
    await world.writer.redis.flushdb();
    expect(await world.shownIn(goes)).toEqual(['ad_goes']);
    await world.writer.redis.set(
      REDIS_KEYS.ranking('CATEGORY', stays),
      JSON.stringify([rankedAd('stays', 600), rankedAd('new', 500)]),
    );
    await world.writer.redis.set(REDIS_KEYS.rankingEpoch, 'second');
    await world.untilShown(stays, ['ad_stays', 'ad_new']);
    await world.untilShown(goes, []);
    await world.writer.write('CATEGORY', goes, [rankedAd('back', 500)]);
    await world.untilShown(goes, ['ad_back']);
  });
});
