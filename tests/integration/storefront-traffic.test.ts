import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { createLogger } from '../../infra/log.js';
import { buildCatalogue } from '../../outside/commerce/catalogue.js';
import { SHOP_CATEGORIES } from '../../outside/commerce/categories.js';
import {
  type RunningTraffic,
  startTraffic,
  type TrafficOptions,
} from '../../outside/commerce/traffic/start-traffic.js';
import { cuttableLine } from '../support/cuttable-line.js';
import { poll, STALL_MS } from '../support/poll.js';
import { followEvents, type LoggedEvent, rankedAd } from './ad-server-harness.js';
import { AdServerWorld } from './ad-server-world.js';

let world: AdServerWorld;
let log: { events: LoggedEvent[]; consumer: Consumer };
beforeAll(async () => {
  world = await AdServerWorld.open();
  log = await followEvents(world.config, TOPICS.conversionEvents);
  const { products } = await buildCatalogue();
  const ads = SHOP_CATEGORIES.map(({ id }) =>
    products
      .filter(({ categoryId }) => categoryId === id)
      .slice(0, 6)
      .map(({ productId }, index) => rankedAd(`${id}-${index}`, 500 - index * 10, { productId })),
  );
  await world.writer.write(
    'HOME',
    '*',
    ads.flatMap((list) => list.slice(0, 1)),
  );
  for (const [index, { id }] of SHOP_CATEGORIES.entries()) {
    await world.writer.write('CATEGORY', id, ads[index] ?? []);
    await world.writer.write('PRODUCT_DETAIL', id, ads[index] ?? []);
  }
});
afterAll(async () => {
  await log.consumer.disconnect();
  await world.close();
});

/** Shoppers in a hurry who click a lot, so that seconds show what hours would. */
const start = (more: Partial<TrafficOptions> = {}): Promise<RunningTraffic> =>
  startTraffic({
    adServerUrl: world.server.url,
    apiKey: world.apiKey,
    speedUp: 5_000,
    log: createLogger({ ...world.config, LOG_LEVEL: 'silent' }, 'traffic-test'),
    seed: 7,
    pace: {
      visitsPerSecondMin: 4,
      visitsPerSecondMax: 4,
      dwellMs: [5, 20],
      clickProbability: [0.8],
      buyAfterClick: 0.5,
      badActsPerClick: 1,
      expiredAfterMs: 0,
    },
    ...more,
  });

/** Half a minute on a machine that is idle. */
const ALL_ACTS_WITHIN_MS = 150_000;

const stopTimed = async (traffic: RunningTraffic): Promise<number> => {
  const started = performance.now();
  await traffic.stop();
  return performance.now() - started;
};

describe('the traffic of the shop', () => {
  it(
    'looks, clicks, buys and misbehaves against a real ad server, within its rate, and stops',
    async () => {
      const startedAt = performance.now();
      const traffic = await start();
      await poll(
        'every kind of act was seen',
        async () => {
          const { badDouble, badBot, badExpired, badForged, badBurst, clicks } = traffic.state();
          const { boughtAfterClick, feedOrders, adsViewed } = traffic.state();
          const all = [badDouble, badBot, badExpired, badForged, badBurst, clicks, boughtAfterClick];
          return [...all, feedOrders, adsViewed].every((count) => count > 0);
        },
        ALL_ACTS_WITHIN_MS,
      );
      const state = traffic.state();
      const seconds = (performance.now() - startedAt) / 1_000;
      expect(state.shoppersNow).toBeLessThanOrEqual(40);
      expect(state.requests).toBeLessThanOrEqual(20 * seconds + 5);
      expect(await stopTimed(traffic)).toBeLessThan(2_000 + STALL_MS);
      const { requests } = traffic.state();
      const clicked = world
        .eventsOf('AD_CLICKED')
        .map(({ value }) => value.signals as Record<string, unknown>);
      expect(clicked.some(({ listedBot }) => listedBot === true)).toBe(true);
      expect(clicked.some(({ sinceSameAdMs }) => sinceSameAdMs !== null)).toBe(true);
      expect(
        Math.max(...clicked.map(({ deviceClicksPerMinute }) => Number(deviceClicksPerMinute))),
      ).toBeGreaterThan(1);
      expect(world.eventsOf('AD_VIEWED').length).toBeGreaterThan(0);
      expect(log.events.some(({ value }) => String(value.orderId).startsWith('clicked-'))).toBe(true);
      expect(log.events.some(({ value }) => /^\d{6}\.\w+\.\d+$/.test(String(value.orderId)))).toBe(true);
      expect(traffic.state().requests).toBe(requests);
    },
    2 * ALL_ACTS_WITHIN_MS,
  );

  it('knows what an unknown key costs: pages without ads, and not one click', async () => {
    const refused = await start({ apiKey: 'ak_nobody.nothing' });
    await poll('pages were refused', async () => refused.state().pagesWithoutAnswer > 0);
    expect(refused.state()).toMatchObject({ adsServed: 0, clicks: 0 });
    expect(await stopTimed(refused)).toBeLessThan(2_000 + STALL_MS);
  });

  it('goes quiet while the ad server is away, and comes back by itself', async () => {
    const line = await cuttableLine();
    const { hostname, port } = new URL(world.server.url);
    line.connectTo({ host: hostname, port: Number(port) });
    const traffic = await start({ adServerUrl: `http://127.0.0.1:${line.port}` });
    try {
      await poll('ads are served', async () => traffic.state().adsServed > 0);
      await line.cut();
      await poll('the shop is quiet', async () => traffic.state().quietForMs > 1_500);
      const { requests } = traffic.state();
      const { adsServed } = traffic.state();
      await poll('the pause goes on', async () => traffic.state().quietForMs < 500);
      // Whoever was inside finishes what is under way; nobody knocks in a loop.
      expect(traffic.state().requests - requests).toBeLessThan(60);
      await line.mend();
      await poll('ads are served again', async () => traffic.state().adsServed > adsServed, 40_000);
    } finally {
      expect(await stopTimed(traffic)).toBeLessThan(2_000 + STALL_MS);
      await line.cut();
    }
  });
});
