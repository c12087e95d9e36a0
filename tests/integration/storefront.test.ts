import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { keyedHash } from '../../infra/ids.js';
import { buildCatalogue, type CatalogueProduct } from '../../outside/commerce/catalogue.js';
import type { RunningStorefront } from '../../outside/commerce/storefront/start-storefront.js';
import { poll } from '../support/poll.js';
import { followEvents, type LoggedEvent, rankedAd } from './ad-server-harness.js';
import { AdServerWorld } from './ad-server-world.js';
import { adLinks, beaconOf, ShopBrowser, type ShopPage, startTestStorefront } from './storefront-browser.js';

let world: AdServerWorld;
let log: { events: LoggedEvent[]; consumer: Consumer };
let storefront: RunningStorefront;
let goods: readonly CatalogueProduct[];

beforeAll(async () => {
  world = await AdServerWorld.open();
  log = await followEvents(world.config, TOPICS.conversionEvents);
  const { products } = await buildCatalogue();
  goods = products.filter(({ categoryId }) => categoryId === 'toys');
  const ads = goods
    .slice(0, 3)
    .map(({ productId }, index) => rankedAd(`toy${index}`, 500 - index * 100, { productId }));
  const unknown = rankedAd('unknown', 900, { productId: 'prd_of_another_shop' });
  await world.writer.write('HOME', '*', [unknown, ...ads]);
  await world.writer.write('CATEGORY', 'toys', ads);
  await world.writer.write('PRODUCT_DETAIL', 'toys', ads);
  await world.writer.write('SEARCH', '장난감', ads);
  await world.untilShown('toys', ['ad_toy0', 'ad_toy1', 'ad_toy2']);
  storefront = await startTestStorefront(world, world.server.url);
});
afterAll(async () => {
  await storefront.stop();
  await log.consumer.disconnect();
  await world.close();
});

const browser = () => new ShopBrowser(storefront.url);
const product = (index: number): CatalogueProduct => {
  const found = goods[index];
  if (found === undefined) throw new Error(`no product ${index}`);
  return found;
};
const deviceHashOf = (shopper: ShopBrowser) =>
  keyedHash(world.config.HASH_KEY, 'device', shopper.cookie('shop_device') ?? '');
const orderEvents = (orderId: string, type: string) =>
  log.events.filter(({ value }) => value.orderId === orderId && value.type === type);

describe('ads in the shop', () => {
  it.each([
    ['/', 3],
    ['/category/toys', 3],
    ['/search?q=%EC%9E%A5%EB%82%9C%EA%B0%90', 3],
  ])('stand on %s, each with its label beside the name', async (path, count) => {
    const page = await browser().get(path);
    expect(page.status).toBe(200);
    const cards = page.text.match(/<li class="card ad".*?<\/li>/gs) ?? [];
    expect(cards).toHaveLength(count);
    expect(cards.every((card) => card.includes('<span class="label">광고</span>'))).toBe(true);
    expect(cards.every((card) => card.includes('rel="sponsored nofollow"'))).toBe(true);
    expect(page.text).not.toContain('prd_of_another_shop');
  });

  it('never show the product that is being looked at', async () => {
    const page = await browser().get(`/product/${product(0).productId}`);
    expect(adLinks(page)).toHaveLength(2);
    expect(adLinks(page).join()).not.toContain('ad_toy0');
  });

  it('count as viewed only when their picture is fetched, each once', async () => {
    const shopper = browser();
    const page = await shopper.get('/');
    const deviceHash = deviceHashOf(shopper);
    const viewed = () => world.eventsOf('AD_VIEWED').filter(({ value }) => value.deviceHash === deviceHash);
    expect(viewed()).toEqual([]);
    expect((await shopper.get(beaconOf(page))).headers.get('content-type')).toBe('image/gif');
    const events = await poll('three ads were viewed', async () => viewed().length === 3 && viewed());
    expect(events.map(({ value }) => value.adId).sort()).toEqual(['ad_toy0', 'ad_toy1', 'ad_toy2']);
  });

  it('lead to the product and report the click of this browser', async () => {
    const shopper = browser();
    const [link = ''] = adLinks(await shopper.get('/category/toys'));
    const answer = await shopper.get(link);
    expect([answer.status, answer.location]).toEqual([303, `/product/${product(0).productId}`]);
    const event = await poll('the click is logged', () =>
      Promise.resolve(
        world.clicksOf('ad_toy0').find(({ value }) => value.deviceHash === deviceHashOf(shopper)),
      ),
    );
    expect(event.value).toMatchObject({
      productId: product(0).productId,
      placement: 'CATEGORY',
      clean: true,
    });
  });

  it('never redirect anywhere but to a product of the shop', async () => {
    const [link = ''] = adLinks(await browser().get('/'));
    const url = new URL(link, storefront.url);
    for (const [value, status] of [
      ['https://evil.example', 404],
      ['//evil.example', 404],
      ['', 400],
    ] as const) {
      url.searchParams.set('product', value);
      const answer = await browser().get(`${url.pathname}${url.search}`);
      expect([answer.status, answer.location]).toEqual([status, '']);
    }
  });
});

describe('an order', () => {
  const buy = async (shopper: ShopBrowser, ...indexes: number[]): Promise<string> => {
    for (const index of indexes) {
      const fields = { productId: product(index).productId, quantity: String(index + 1) };
      expect((await shopper.submit('/basket/lines', fields)).status).toBe(303);
    }
    const { location } = await shopper.submit('/orders');
    return /^\/orders\/([^?]+)\?placed=1$/.exec(location)?.[1] ?? '';
  };

  it('is told line by line, with the device that saw the ads, and its cancellation too', async () => {
    const shopper = browser();
    const orderId = await buy(shopper, 0, 1);
    expect((await shopper.get(`/orders/${orderId}?placed=1`)).text).toContain(orderId);
    const placed = await poll('both lines are logged', async () => {
      const events = orderEvents(orderId, 'ORDER_LINE_PLACED');
      return events.length === 2 && events;
    });
    expect(placed.map(({ value }) => value)).toMatchObject([
      {
        productId: product(0).productId,
        sellerId: product(0).sellerId,
        quantity: 1,
        amountKrw: product(0).priceKrw,
      },
      { orderLineId: `${orderId}:2`, quantity: 2, amountKrw: 2 * product(1).priceKrw },
    ]);
    expect(placed[0]?.key).toBe(deviceHashOf(shopper));
    expect((await shopper.submit(`/orders/${orderId}/cancellations`, { lineNo: '2' })).status).toBe(303);
    expect((await shopper.submit(`/orders/${orderId}/cancellations`)).location).toContain('notice=cancelled');
    const again = await shopper.submit(`/orders/${orderId}/cancellations`);
    expect(again.location).toContain('notice=already_cancelled');
    const cancelled = await poll('both cancellations are logged', async () => {
      const events = orderEvents(orderId, 'ORDER_LINE_CANCELLED');
      return events.length === 2 && events;
    });
    expect(cancelled.map(({ value }) => value.orderLineId)).toEqual([`${orderId}:2`, `${orderId}:1`]);
    expect((await shopper.get(`/orders/${orderId}`)).text).toContain('취소됨');
  });

  it('is placed once when its form is sent twice, and not at all from an empty basket', async () => {
    const shopper = browser();
    await buy(shopper, 2);
    expect((await shopper.submit('/orders')).location).toBe('/basket?notice=basket_empty');
    expect((await shopper.get('/orders')).text.match(/href="\/orders\/shop-/g)).toHaveLength(1);
  });

  it('is seen and cancelled by its own browser only', async () => {
    const orderId = await buy(browser(), 0);
    const stranger = browser();
    expect((await stranger.get(`/orders/${orderId}`)).status).toBe(404);
    expect((await stranger.submit(`/orders/${orderId}/cancellations`)).status).toBe(404);
  });
});

describe('wrong input', () => {
  it.each([
    ['/category/nope', 404],
    ['/category/toys?page=0', 400],
    ['/category/toys?page=1000', 404],
    ['/category/toys?sort=up', 400],
    ['/product/nope', 404],
    ['/product/__proto__', 404],
    ['/search?q=a&q=b', 400],
    [`/search?q=${'a'.repeat(101)}`, 400],
    ['/orders/nope', 404],
    ['/?notice=hello', 400],
    ['/click', 400],
    ['/click?token=short&ad=a&product=b', 400],
    ['/seen.gif?token=0123456789abcdef&ads=', 400],
    ['/picture/prd_1.exe', 404],
    ['/nowhere', 404],
    ['/%', 404],
  ])('GET %s is answered as a page with %i', async (path, status) => {
    const page = await browser().get(path);
    expect(page.status).toBe(status);
    expect(page.text).toContain('<html lang="ko">');
    expect(page.text).not.toMatch(/ at .*\.ts:|node_modules/);
  });

  it.each([
    ['/basket/lines', { productId: 'nope', quantity: '1' }, 404],
    ['/basket/lines', { quantity: '1' }, 400],
    ['/basket/lines/nope', { quantity: '1' }, 404],
    ['/orders/nope/cancellations', {}, 404],
    ['/orders/nope/cancellations', { lineNo: 'x' }, 400],
    ['/language', { language: 'fr', to: '/' }, 400],
    ['/language', { language: 'en', to: 'https://evil.example' }, 400],
    ['/language', { language: 'en', to: '//evil.example' }, 400],
    ['/language', { language: 'en', to: '/\\evil.example' }, 400],
    ['/basket/lines', { productId: 'x'.repeat(10_000), quantity: '1' }, 413],
    ['/nowhere', {}, 404],
  ])('POST %s %j is answered with its status', async (path, fields, status) => {
    expect((await browser().submit(path, fields)).status).toBe(status);
  });

  it.each(['0', '-1', '1.5', '100', 'NaN', ''])('a quantity of "%s" fills no basket', async (quantity) => {
    const shopper = browser();
    const { productId } = product(0);
    expect((await shopper.submit('/basket/lines', { productId, quantity })).status).toBe(400);
    expect((await shopper.get('/basket')).text).toContain('장바구니가 비어 있습니다');
  });

  it('of a search is shown as text', async () => {
    const page = await browser().get(`/search?q=${encodeURIComponent('<script>alert(1)</script>"')}`);
    expect(page.text).not.toContain('<script');
    expect(page.text).toContain('&lt;script&gt;');
  });

  it('from a form of another site changes nothing', async () => {
    const shopper = browser();
    const fields = { productId: product(0).productId, quantity: '1' };
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ])
      expect((await shopper.submit('/basket/lines', fields, headers)).status).toBe(403);
    const own = { origin: storefront.url };
    expect((await shopper.submit('/basket/lines', fields, own)).status).toBe(303);
  });
});

describe('every page', () => {
  it('runs no script, is not framed, and keeps the device in a cookie that no script reads', async () => {
    const page = await browser().get('/');
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('x-powered-by')).toBeNull();
    expect(page.headers.getSetCookie().join()).toMatch(
      /^shop_device=[0-9a-f-]{36};.*HttpOnly; SameSite=Lax$/,
    );
  });

  it('gives a new device to a browser whose cookie is not ours', async () => {
    const page = await browser().get('/', { cookie: 'shop_device=<b>' });
    expect(page.headers.getSetCookie().join()).toMatch(/^shop_device=[0-9a-f-]{36};/);
  });

  it('speaks English on request, and comes back to where the shopper was', async () => {
    const shopper = browser();
    const answer = await shopper.submit('/language', { language: 'en', to: '/category/toys?page=2' });
    expect([answer.status, answer.location]).toEqual([303, '/category/toys?page=2']);
    const page = await shopper.get('/category/toys');
    expect(page.text).toContain('<html lang="en">');
    expect(page.text).toContain('AD 광고');
  });
});

describe('an ad system that is away or slow', () => {
  const pages = ['/', '/category/toys', '/search?q=mug', '/basket'];
  /** Whoever waits for the report of a click or an order to be given up waits three seconds. */
  const WITHIN_MS = 2_900;
  const silent = async (): Promise<{ server: Server; url: string }> => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const timed = async (ask: () => Promise<ShopPage>) => {
    const started = performance.now();
    const page = await ask();
    return { page, ms: performance.now() - started };
  };

  it.each(['refuses connections', 'never answers'])(
    'that %s costs a page its ads, and nothing else',
    async (how) => {
      const quiet = await silent();
      if (how === 'refuses connections') await new Promise((resolve) => quiet.server.close(resolve));
      const lonely = await startTestStorefront(world, quiet.url);
      try {
        const shopper = new ShopBrowser(lonely.url);
        for (const path of pages) {
          const { page, ms } = await timed(() => shopper.get(path));
          expect([page.status, adLinks(page)]).toEqual([200, []]);
          expect(ms).toBeLessThan(WITHIN_MS);
        }
        const [link = ''] = adLinks(await browser().get('/'));
        const click = await timed(() => shopper.get(link));
        expect([click.page.status, click.page.location]).toEqual([303, `/product/${product(0).productId}`]);
        expect(click.ms).toBeLessThan(WITHIN_MS);
        await shopper.submit('/basket/lines', { productId: product(0).productId, quantity: '1' });
        const order = await timed(() => shopper.submit('/orders'));
        expect(order.page.location).toContain('placed=1');
        expect(order.ms).toBeLessThan(WITHIN_MS);
      } finally {
        await lonely.stop();
        quiet.server.closeAllConnections();
        quiet.server.close();
      }
    },
  );
});
