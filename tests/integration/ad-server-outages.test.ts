import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adClickedSchema } from '../../contracts/events/ad-events.js';
import type { ServingSnapshot } from '../../contracts/events/campaign-events.js';
import { createClickTokens } from '../../infra/click-token.js';
import { poll } from '../support/poll.js';
import { connectShop, newDevice } from '../support/shop.js';
import {
  type CutLine,
  cuttableLine,
  rankedAd,
  startTestAdServer,
  type TestAdServer,
} from './ad-server-harness.js';
import { AdServerWorld, inCategory, newCategory } from './ad-server-world.js';

let redisLine: CutLine;
let world: AdServerWorld;

beforeAll(async () => {
  redisLine = await cuttableLine();
  world = await AdServerWorld.open((config) => {
    const redis = new URL(config.REDIS_URL);
    redisLine.connectTo({ host: redis.hostname, port: Number(redis.port) });
    redis.host = `127.0.0.1:${redisLine.port}`;
    return { ...config, REDIS_URL: redis.toString() };
  });
});
afterAll(async () => {
  await world.close();
  await redisLine.cut();
});

const rankingsCurrent = async (server: TestAdServer = world.server) =>
  (await server.process.ready()).detail.rankingsCurrent === true;

async function withoutRedis(run: () => Promise<void>): Promise<void> {
  await redisLine.cut();
  try {
    await run();
  } finally {
    await redisLine.mend();
    await poll('the copy follows Redis again', () => rankingsCurrent());
  }
}

/** The newest snapshot of an enabled campaign with one ad, as an approval leaves it in PostgreSQL. */
async function insertCampaign(name: string, snapshot: Partial<ServingSnapshot>): Promise<void> {
  const whole = {
    campaignId: `cmp_${name}`,
    advertiserId: `adv_${name}`,
    version: 1,
    status: 'enabled',
    keywords: [],
    startAt: 0,
    endAt: Date.now() + 86_400_000,
    ...snapshot,
  };
  const { ownerPool } = world.database;
  await ownerPool.query(
    `INSERT INTO advertiser (id, name, business_number, status) VALUES ($1, $1, $1, 'active') ON CONFLICT DO NOTHING`,
    [whole.advertiserId],
  );
  await ownerPool.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
     VALUES ($1, $2, $1, current_date, current_date, 10000, now()) ON CONFLICT DO NOTHING`,
    [whole.campaignId, whole.advertiserId],
  );
  await ownerPool.query(
    `INSERT INTO campaign_snapshot (campaign_id, version, event_type, snapshot) VALUES ($1, $2, 'CAMPAIGN_APPROVED', $3)`,
    [whole.campaignId, whole.version, JSON.stringify(whole)],
  );
}

describe('while Redis is away', () => {
  it('the rankings held are served, clicks are taken without delay, and both recover', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('held', 500)]);
    await world.untilShown(category, ['ad_held']);
    const deviceId = newDevice();
    await withoutRedis(async () => {
      await poll('the copy is known to be stale', async () => !(await rankingsCurrent()));
      const { body } = await world.shop.ads({ placement: 'CATEGORY', category, deviceId });
      expect(body.ads.map((ad) => ad.adId)).toEqual(['ad_held']);
      const click = { clickToken: body.clickToken, adId: 'ad_held', deviceId };
      expect((await world.shop.click(click)).status).toBe(202);
      const { signals, clean } = adClickedSchema.parse((await world.clickEvent('ad_held')).value);
      expect(signals).toMatchObject({ deviceClicksPerMinute: 1, ipClicksPerMinute: 1, sinceSameAdMs: null });
      expect(clean).toBe(true);
      expect(await world.server.metric('ads_click_counters_missing_total')).toBe(1);
      await world.writer.write('CATEGORY', category, [rankedAd('after', 700), rankedAd('held', 500)]);
    });
    await world.untilShown(category, ['ad_after', 'ad_held']);
  });

  it('a stop in PostgreSQL still takes ads out', async () => {
    const category = newCategory();
    await world.writer.write('CATEGORY', category, [rankedAd('runs-dry', 500)]);
    await world.untilShown(category, ['ad_runs-dry']);
    await withoutRedis(async () => {
      await world.database.ownerPool.query(
        `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
         VALUES ('campaign', 'cmp_runs-dry', true, 'balance_exhausted', nextval('serving_stop_version'), now())`,
      );
      // Noticing the loss takes up to a second when a line goes dead, and the poll half a second more.
      await world.untilShown(category, [], 2_000);
    });
    expect(await world.shownIn(category)).toEqual([]);
  });

  it('rankings that are not held come out of PostgreSQL by the same rule', async () => {
    const category = newCategory();
    const other = newCategory();
    const bids = (maxCpcKrw: number) => [{ placement: 'CATEGORY' as const, maxCpcKrw }];
    const ad = (name: string, categoryId = category) => ({
      adId: `ad_${name}`,
      productId: `p-${name}`,
      categoryId,
    });
    await insertCampaign('high', { ads: [ad('high')], bids: bids(500) });
    await insertCampaign('low', { ads: [ad('low'), ad('low-elsewhere', other)], bids: bids(200) });
    await insertCampaign('paused', { ads: [ad('paused')], bids: bids(900) });
    await insertCampaign('paused', { version: 2, status: 'paused', ads: [ad('paused')], bids: bids(900) });
    await insertCampaign('cheap', { ads: [ad('cheap')], bids: bids(49) });
    await insertCampaign('search', {
      ads: [ad('search')],
      keywords: ['컵', '머그컵'],
      bids: [{ placement: 'SEARCH', maxCpcKrw: 300 }],
    });
    expect((await world.shop.ads(inCategory(category))).body.noFillReason).toBe('no_candidates');
    await withoutRedis(async () => {
      await world.untilShown(category, ['ad_high', 'ad_low'], 5_000);
      const { body } = await world.shop.ads(inCategory(category));
      const token = createClickTokens(world.config.CLICK_TOKEN_KEYS).verify(body.clickToken, Date.now());
      expect(token.ok && token.payload.ads.map((served) => served.priceKrw)).toEqual([200, 50]);
      expect(await world.shownIn(other)).toEqual(['ad_low-elsewhere']);
      const search = await world.shop.ads({ placement: 'SEARCH', query: '머그컵', deviceId: newDevice() });
      expect(search.body.ads.map((served) => served.adId)).toEqual(['ad_search']);
      const nothing = await world.shop.ads(inCategory('unheard-of'));
      expect(nothing.body.noFillReason).toBe('no_candidates');
      const asked = await world.server.metric('ads_ranking_fallback_total{result="asked"}');
      await Promise.all(Array.from({ length: 50 }, () => world.shop.ads(inCategory('unheard-of'))));
      expect(await world.server.metric('ads_ranking_fallback_total{result="asked"}')).toBe(asked);
    });
  });
});

describe('while Kafka is away', () => {
  it('no ads are served for long, and clicks are sent back to the shop with Retry-After', async () => {
    const click = await world.servedClick('kept');
    const port = await closedPort();
    const lost = await startTestAdServer(
      { ...world.config, KAFKA_BROKERS: [`127.0.0.1:${port}`] },
      { clickPathDownAfterMs: 1_000 },
    );
    try {
      const shop = connectShop(lost.url, world.apiKey);
      const down = await poll(
        'the click path counts as down',
        async () => {
          const { status, body } = await shop.ads({ placement: 'HOME', deviceId: newDevice() });
          expect(status).toBe(200);
          return body.noFillReason === 'click_path_down' && body;
        },
        5_000,
      );
      expect(down.ads).toEqual([]);
      expect((await lost.process.ready()).ok).toBe(false);
      const response = await fetch(new URL('/v1/clicks', lost.url), {
        method: 'POST',
        headers: { authorization: `Bearer ${world.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...click, clickedAt: new Date().toISOString() }),
      });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({ code: 'click_path_down' });
    } finally {
      await lost.stop();
    }
    expect((await world.shop.click(click)).status).toBe(202);
  });
});

/** A port that was free a moment ago and where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
