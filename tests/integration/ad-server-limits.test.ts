import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECURITY_HEADERS } from '../../api/ad-server/respond.js';
import { adClickedSchema } from '../../contracts/events/ad-events.js';
import { type CutLine, cuttableLine, through } from '../support/cuttable-line.js';
import { poll, quantile } from '../support/poll.js';
import { connectShop, newDevice, type Shop, type ShopClick } from '../support/shop.js';
import { rankedAd, startTestAdServer } from './ad-server-harness.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';

let redisLine: CutLine;
let world: AdServerWorld;

beforeAll(async () => {
  redisLine = await cuttableLine();
  world = await AdServerWorld.open((config) => ({
    ...config,
    REDIS_URL: through(redisLine, config.REDIS_URL),
  }));
});
afterAll(async () => {
  await world.close();
  await redisLine.cut();
});

const bearer = () => ({ authorization: `Bearer ${world.apiKey}` });
const json = () => ({ ...bearer(), 'content-type': 'application/json' });
const ask = (path: string, init?: RequestInit, url = world.server.url) => fetch(new URL(path, url), init);
const HOME = '/v1/ads?placement=HOME&deviceId=d';

describe('every answer', () => {
  it.each<[string, number, () => Promise<Response>]>([
    ['ads', 200, () => ask(HOME, { headers: bearer() })],
    ['ads by another spelling', 200, () => ask(HOME.replace('?', '/?'), { headers: bearer() })],
    [
      'ads that are only asked for their headers',
      405,
      () => ask(HOME, { method: 'HEAD', headers: bearer() }),
    ],
    ['a wrong query', 400, () => ask('/v1/ads?placement=MOON', { headers: bearer() })],
    ['no query', 400, () => ask('/v1/ads', { headers: bearer() })],
    ['no key', 401, () => ask(HOME)],
    ['a wrong key', 401, () => ask(HOME, { headers: { authorization: 'Bearer ak_x' } })],
    ['another method', 405, () => ask('/v1/ads', { method: 'DELETE', headers: bearer() })],
    ['an unknown path', 404, () => ask('/v1/nothing')],
    ['broken JSON', 400, () => ask('/v1/clicks', { method: 'POST', headers: json(), body: '{' })],
    ['a click without token', 400, () => ask('/v1/clicks', { method: 'POST', headers: json(), body: '{}' })],
    ['an order without lines', 400, () => ask('/v1/orders', { method: 'POST', headers: json(), body: '{}' })],
    ['a click that nobody knows', 404, () => ask(`/v1/clicks/${UNKNOWN_CLICK}`, { headers: bearer() })],
  ])('%s: is kept from caches, frames and guesses, and names its correlation', async (_, status, request) => {
    const answer = await request();
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(SECURITY_HEADERS);
    expect(answer.headers.get('x-correlation-id')).toMatch(/.{8,}/);
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });
});

const UNKNOWN_CLICK = '01930000-0000-7000-8000-000000000000';

/** The first of these that is refused. One is let through when the machine stalls for the second that allows it. */
async function refusedClick(shop: Shop, clicks: readonly ShopClick[]): Promise<ShopClick> {
  for (const click of clicks) {
    const forged = { ...click, clickToken: 'x'.repeat(40) };
    const statuses = [400];
    while (statuses.at(-1) === 400) statuses.push((await shop.click(forged)).status);
    expect(statuses.at(-1)).toBe(429);
    // Two at once at least, beside the first one here.
    if (click === clicks[0]) expect(statuses.length).toBeGreaterThanOrEqual(1 + 2 + 1);
    if ((await shop.click(click)).status === 429) return click;
  }
  throw new Error('no click was refused');
}

describe('an API key over its limit', () => {
  it('is told when to come again; clicks are counted apart, and a refused one is taken later, once', async () => {
    const clicks = [];
    for (let n = 0; n < 5; n += 1) clicks.push(await world.servedClick(`limited${n}`));
    const limited = await startTestAdServer({
      ...world.config,
      INSTANCE_NAME: `${world.config.INSTANCE_NAME}-l`,
      AD_SERVER_REQUESTS_PER_SECOND: 1,
    });
    try {
      const shop = connectShop(limited.url, world.apiKey);
      await poll('the limited server is ready', async () => (await limited.process.ready()).ok);
      const startedAt = performance.now();
      const taken: Response[] = [];
      const refused = await poll('one is refused', async () => {
        const answer = await ask(HOME, { headers: bearer() }, limited.url);
        if (answer.status === 429) return answer;
        taken.push(answer);
        return null;
      });
      expect(taken.map((answer) => answer.status)).toEqual(taken.map(() => 200));
      expect(taken.length).toBeGreaterThanOrEqual(2);
      expect(taken.length).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 1_000);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(Object.fromEntries(refused.headers)).toMatchObject(SECURITY_HEADERS);
      const problem = (await refused.json()) as { code: string; nextStep: string };
      expect(problem).toMatchObject({ code: 'too_many_requests' });
      expect(problem.nextStep).toContain('again after 1 s');
      expect(await limited.metric('ads_rate_limited_total{scope="ads:read"}')).toBe(1);
      const click = await refusedClick(shop, clicks);
      expect(world.clicksOf(click.adId)).toEqual([]);
      await poll('the click is taken', async () => (await shop.click(click)).status === 202, 30_000, 200);
      await world.clickEvent(click.adId);
      expect(world.clicksOf(click.adId)).toHaveLength(1);
    } finally {
      await limited.stop();
    }
  });
});

describe('while Redis hangs', () => {
  it('ads and clicks are answered, one click at a time finds out, and the counters count again afterwards', async () => {
    const category = newCategory();
    const names = Array.from({ length: 12 }, (_, index) => `hung${index}`);
    await world.writer.write(
      'CATEGORY',
      category,
      names.map((name, index) => rankedAd(name, 900 - index)),
    );
    await world.untilShown(
      category,
      names.slice(0, 5).map((name) => `ad_${name}`),
    );
    const deviceId = newDevice();
    const { body } = await world.shop.ads({ placement: 'CATEGORY', category, deviceId, maxAds: 12 });
    const clickOn = (name = '') =>
      world.shop.click({ clickToken: body.clickToken, adId: `ad_${name}`, deviceId });
    redisLine.hang();
    try {
      const missing = await world.server.metric('ads_click_counters_missing_total');
      const first = await clickOn(names[0]);
      const others = [];
      for (const name of names.slice(1, 8)) others.push(await clickOn(name));
      expect([first, ...others].map(({ status }) => status)).toEqual(Array(8).fill(202));
      expect(await world.server.metric('ads_click_counters_missing_total')).toBe(missing + 8);
      // Its wait for the outcome and at most a tenth of a second on top, but for those that a machine that stalls delays.
      const tookMs = others.map(({ ms }) => ms);
      expect(quantile(tookMs, 0.5)).toBeLessThan(world.config.CLICK_OUTCOME_TIMEOUT_MS + 100 + 500);
      expect((await world.shop.ads({ placement: 'CATEGORY', category, deviceId })).body.ads).toHaveLength(5);
      const { signals } = adClickedSchema.parse((await world.clickEvent('ad_hung1')).value);
      expect(signals).toMatchObject({ deviceClicksPerMinute: 1, sinceSameAdMs: null });
    } finally {
      redisLine.flow();
    }
    await poll('Redis answers again', async () => {
      const { detail } = await world.server.process.ready();
      return detail.rankingsCurrent === true;
    });
    const asked = names.slice(8);
    await poll('a click is counted again', async () => {
      const name = asked.shift();
      if (name === undefined) throw new Error('no click was counted');
      await clickOn(name);
      const { signals } = adClickedSchema.parse((await world.clickEvent(`ad_${name}`)).value);
      return signals.deviceClicksPerMinute > 1;
    });
  });
});
