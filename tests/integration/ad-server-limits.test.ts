import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECURITY_HEADERS } from '../../api/ad-server/respond.js';
import { adClickedSchema } from '../../contracts/events/ad-events.js';
import { type CutLine, cuttableLine, through } from '../support/cuttable-line.js';
import { poll } from '../support/poll.js';
import { connectShop, newDevice } from '../support/shop.js';
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

describe('an API key over its limit', () => {
  it('is told when to come again; clicks are counted apart, and a refused one is taken later, once', async () => {
    const click = await world.servedClick('limited');
    const limited = await startTestAdServer({
      ...world.config,
      INSTANCE_NAME: `${world.config.INSTANCE_NAME}-l`,
      AD_SERVER_REQUESTS_PER_SECOND: 1,
    });
    try {
      const shop = connectShop(limited.url, world.apiKey);
      await poll('the limited server is ready', async () => (await limited.process.ready()).ok, 20_000);
      const answers = [];
      for (let n = 0; n < 4; n += 1) answers.push(await ask(HOME, { headers: bearer() }, limited.url));
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 429, 429]);
      const refused = answers.find((answer) => answer.status === 429);
      expect(refused?.headers.get('retry-after')).toBe('1');
      expect(Object.fromEntries(refused?.headers ?? [])).toMatchObject(SECURITY_HEADERS);
      const problem = (await refused?.json()) as { code: string; nextStep: string };
      expect(problem).toMatchObject({ code: 'too_many_requests' });
      expect(problem.nextStep).toContain('again after 1 s');
      expect(await limited.metric('ads_rate_limited_total{scope="ads:read"}')).toBe(2);
      const forged = { ...click, clickToken: 'x'.repeat(40) };
      for (let n = 0; n < 2; n += 1) expect((await shop.click(forged)).status).toBe(400);
      expect((await shop.click(click)).status).toBe(429);
      expect(world.clicksOf('ad_limited')).toEqual([]);
      await poll('the click is taken', async () => (await shop.click(click)).status === 202, 10_000, 200);
      await world.clickEvent('ad_limited');
      expect(world.clicksOf('ad_limited')).toHaveLength(1);
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
      const others = await Promise.all(names.slice(1, 8).map(clickOn));
      expect([first, ...others].map(({ status }) => status)).toEqual(Array(8).fill(202));
      expect(await world.server.metric('ads_click_counters_missing_total')).toBe(missing + 8);
      // Its wait for the outcome and not one for the counters on top.
      expect(Math.max(...others.map(({ ms }) => ms))).toBeLessThan(1_000);
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
