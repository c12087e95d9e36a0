import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createShopClient, type ShopClient, type ShopClientOptions } from './client.js';
import type { DropReason, UnsentReport } from './types.js';

/** What the client does by itself, against a small server of HTTP; the real ad server is met in the integration tests. */
interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answering = (asked: Asked, res: ServerResponse) => void;

const AD = {
  adId: 'ad_1',
  slot: 1,
  productId: 'prd_1',
  campaignId: 'cmp_1',
  advertiserId: 'adv_1',
  label: '광고',
};
const ADS = { requestId: 'req_1', placement: 'HOME', clickToken: 'a-token-of-some-length', ads: [AD] };
const ANSWER = { clickToken: ADS.clickToken, deviceId: 'device-1' };
const QUERY = { placement: 'HOME', deviceId: 'device-1' } as const;

let server: Server;
let url: string;
let answering: Answering;
let asked: Asked[];
let sockets: Set<Socket>;
let clients: ShopClient[];
let dropped: [UnsentReport, DropReason][];

beforeEach(async () => {
  asked = [];
  sockets = new Set();
  clients = [];
  dropped = [];
  answering = (_asked, res) => json(res, 200, ADS);
  server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += String(chunk);
    const one = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body };
    asked.push(one);
    answering(one, res);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const client of clients) client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Time enough for a machine that stalls, where it is not the time that is looked at. */
const PATIENT = { adsWithinMs: 5_000 };

function open(more: Partial<ShopClientOptions> = PATIENT): ShopClient {
  const log = { warn: () => undefined, error: () => undefined };
  const onDropped = (report: UnsentReport, why: DropReason) => dropped.push([report, why]);
  const client = createShopClient({
    adServerUrl: url,
    apiKey: 'key',
    log,
    onDropped,
    random: () => 0,
    ...more,
  });
  clients.push(client);
  return client;
}

function json(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  res.end(text);
}

async function until(what: string, isTrue: () => boolean, withinMs = 25_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('ads', () => {
  it('are asked for with the key, the query and the shopper', async () => {
    const answer = await open().fetchAds(
      { ...QUERY, maxAds: 3, segments: 'new,vip' },
      { ip: '203.0.113.7', userAgent: 'UA' },
    );
    expect(answer).toEqual({ ...ADS, deviceId: 'device-1', answered: true });
    const [one] = asked;
    const query = new URL(one?.url ?? '', url).searchParams;
    expect(Object.fromEntries(query)).toEqual({ ...QUERY, maxAds: '3', segments: 'new,vip' });
    expect(one?.headers).toMatchObject({
      authorization: 'Bearer key',
      'x-shopper-ip': '203.0.113.7',
      'x-shopper-user-agent': 'UA',
    });
  });

  it.each<[string, Answering]>([
    ['never answers', () => undefined],
    [
      'sends its head in time and never ends its body',
      (_one, res) => void res.writeHead(200).write('{"ads":['),
    ],
  ])('of a server that %s are an empty list within 200 ms', async (_what, slow) => {
    const client = open({});
    await client.fetchAds(QUERY);
    answering = slow;
    const tookMs: number[] = [];
    for (let page = 0; page < 5; page += 1) {
      const started = performance.now();
      const answer = await client.fetchAds(QUERY);
      tookMs.push(performance.now() - started);
      expect(answer).toMatchObject({ ads: [], answered: false });
    }
    // The fastest: a machine that stalls delays some.
    expect(Math.min(...tookMs)).toBeLessThan(200);
  });

  it.each<[string, Answering]>([
    ['is out of service', (_one, res) => json(res, 503, {})],
    ['refuses the key', (_one, res) => json(res, 401, { code: 'unauthenticated', detail: 'x' })],
    ['answers something else', (_one, res) => json(res, 200, { ads: [{ adId: 1 }], clickToken: 'x' })],
    ['answers no JSON', (_one, res) => void res.end('<html>')],
    ['hangs up', (_one, res) => void res.destroy()],
  ])('of a server that %s are an empty list', async (_what, broken) => {
    answering = broken;
    expect(await open().fetchAds(QUERY)).toMatchObject({ ads: [], answered: false, deviceId: 'device-1' });
  });

  it('come over connections that stay open', async () => {
    const client = open();
    for (let page = 0; page < 20; page += 1) await client.fetchAds(QUERY);
    expect(asked).toHaveLength(20);
    // The next page may be asked for a moment before the connection is given back.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });
});

/** As the ad server makes it: of the token and the ad, so that a repetition has the same. */
function clickIdOf(body: string): string {
  const { clickToken, adId } = JSON.parse(body) as { clickToken: string; adId: string };
  return createHash('sha256').update(`${clickToken}|${adId}`).digest('hex');
}

describe('reports', () => {
  it('of a click hold what the answer held, and sent twice are one click', async () => {
    answering = ({ body }, res) =>
      json(res, 200, { clickId: clickIdOf(body), outcome: 'charged', chargedCpcKrw: 90 });
    const client = open();
    const first = await client.reportClick(ANSWER, AD, {}, new Date('2026-11-23T10:00:00+09:00'));
    const again = await client.reportClick(ANSWER, AD);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      ...ANSWER,
      adId: 'ad_1',
      clickedAt: '2026-11-23T01:00:00.000Z',
    });
    expect(first).toMatchObject({ state: 'answered', body: { outcome: 'charged', chargedCpcKrw: 90 } });
    if (first.state !== 'answered' || again.state !== 'answered') throw new Error('not answered');
    expect(again.body.clickId).toBe(first.body.clickId);
  });

  it('that found nobody are sent again unchanged, in their order, after the rest that was asked for', async () => {
    let isDown = true;
    answering = ({ body }, res) => {
      if (isDown) json(res, 503, {}, { 'retry-after': '1' });
      else json(res, 202, { clickId: clickIdOf(body), outcome: 'accepted' });
    };
    const client = open();
    const clickedAt = new Date();
    for (const adId of ['ad_1', 'ad_2', 'ad_3']) {
      expect(await client.reportClick(ANSWER, { adId }, {}, clickedAt)).toEqual({ state: 'queued' });
    }
    const started = performance.now();
    expect(client.waiting()).toBe(3);
    isDown = false;
    await until('all are sent', () => client.waiting() === 0);
    expect(performance.now() - started).toBeGreaterThan(900);
    const bodies = asked.map(({ body }) => body);
    expect(bodies.slice(3)).toEqual(bodies.slice(0, 3));
    expect(dropped).toEqual([]);
  });

  it('that are wrong are refused with the next step, and not sent again', async () => {
    const problem = {
      code: 'forged_click_token',
      detail: 'Forged.',
      nextStep: 'Send it as it was answered.',
    };
    answering = (_one, res) => json(res, 400, problem);
    const client = open();
    expect(await client.reportClick(ANSWER, AD)).toEqual({ state: 'refused', status: 400, ...problem });
    expect([client.waiting(), asked.length]).toEqual([0, 1]);
  });

  it('that are refused when they are sent again are told to the shop', async () => {
    answering = (_one, res) =>
      json(res, asked.length === 1 ? 503 : 400, { code: 'invalid_request', detail: 'x' });
    const client = open();
    const body = { deviceId: 'd', lines: [{ lineNo: 1 }] };
    expect(await client.cancelOrder('order-1', body)).toEqual({ state: 'queued' });
    await until('it was sent again', () => client.waiting() === 0);
    expect(dropped).toEqual([[{ kind: 'cancellation', orderId: 'order-1', body }, 'refused']]);
    expect(asked.map((one) => one.url)).toEqual(Array(2).fill('/v1/orders/order-1/cancellations'));
  });

  it('take no longer than they may, and more of them than may wait are told to the shop', async () => {
    answering = () => undefined;
    const client = open({ reportWithinMs: 60, capacity: 1 });
    const started = performance.now();
    expect(await client.reportClick(ANSWER, AD)).toEqual({ state: 'queued' });
    // Three seconds when nothing else is said.
    expect(performance.now() - started).toBeLessThan(2_900);
    expect(await client.reportClick(ANSWER, { adId: 'ad_2' })).toEqual({ state: 'dropped' });
    expect(dropped).toMatchObject([[{ kind: 'click', body: { adId: 'ad_2' } }, 'full']]);
    client.close();
    expect(dropped.at(-1)).toMatchObject([{ kind: 'click', body: { adId: 'ad_1' } }, 'closed']);
  });

  it.each([408, 425, 429, 500, 502, 503, 504, 520, 561])(
    'that a balancer or an overloaded system answers with %d are kept',
    async (status) => {
      answering = (_one, res) => json(res, status, {});
      const client = open();
      expect(await client.reportClick(ANSWER, AD)).toEqual({ state: 'queued' });
      expect(client.waiting()).toBe(1);
    },
  );

  it.each([
    ['of other letters', '브라우저 \u0000\r\nx-other: 1'],
    ['without end', 'x'.repeat(100_000)],
  ])('with a user agent %s are sent all the same', async (_what, userAgent) => {
    answering = (_one, res) => json(res, 202, { clickId: 'c', outcome: 'accepted' });
    const client = open();
    const answer = await client.reportClick(ANSWER, AD, { userAgent, ip: '가' }, new Date(Number.NaN));
    expect(answer).toMatchObject({ state: 'answered', status: 202 });
    expect(asked[0]?.headers['x-shopper-user-agent']).toMatch(/^[\x20-\x7e]{4,512}$/);
    expect(asked[0]?.headers['x-other']).toBeUndefined();
    answering = (_one, res) => json(res, 200, ADS);
    expect((await client.fetchAds(QUERY, { userAgent })).ads).toHaveLength(1);
  });

  it('that a shop kept over its restart are sent by the next client, each as it was', async () => {
    answering = (_one, res) => json(res, 503, {});
    const before = open();
    const shopper = { ip: '203.0.113.7', userAgent: 'Googlebot/2.1' };
    const order = {
      orderId: 'o-1',
      deviceId: 'd',
      orderedAt: '2026-11-23T01:00:00.000Z',
      lines: [{ lineNo: 1, productId: 'p', sellerId: 's', quantity: 1, unitPriceKrw: 10 }],
    };
    await before.reportClick(ANSWER, AD, shopper);
    await before.reportOrder(order);
    await before.cancelOrder('o-1', { deviceId: 'd', lines: [{ lineNo: 1 }] });
    before.close();
    expect(dropped.map(([, reason]) => reason)).toEqual(['closed', 'closed', 'closed']);
    const kept = JSON.parse(JSON.stringify(dropped.map(([report]) => report))) as UnsentReport[];
    const first = asked.splice(0);
    answering = (_one, res) => json(res, 202, { clickId: 'c', outcome: 'accepted' });
    const after = open();
    for (const report of kept) expect(await after.resend(report)).toMatchObject({ state: 'answered' });
    const told = (ones: typeof asked) =>
      ones.map(({ method, url: path, body, headers }) => [
        method,
        path,
        body,
        headers['x-shopper-user-agent'],
      ]);
    expect(told(asked)).toEqual(told(first));
    expect(asked[0]?.headers['x-shopper-user-agent']).toBe('Googlebot/2.1');
  });

  it('of seen ads are sent once: a lost one costs a statistic', async () => {
    answering = (_one, res) => json(res, 503, {});
    const client = open();
    expect(await client.reportImpressions(ANSWER, [AD, { adId: 'ad_2' }])).toEqual({ state: 'dropped' });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ ...ANSWER, adIds: ['ad_1', 'ad_2'] });
    expect([client.waiting(), dropped]).toEqual([0, []]);
  });
});
