import { randomBytes } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orderLineCancelledSchema, orderLinePlacedSchema } from '../../contracts/events/conversion-events.js';
import { TOPICS } from '../../contracts/topics.js';
import { keyedHash } from '../../infra/ids.js';
import { createShopClient } from '../../outside/commerce/shop-client/client.js';
import { poll } from '../support/poll.js';
import { newDevice } from '../support/shop.js';
import { followEvents, insertApiKey, type LoggedEvent } from './ad-server-harness.js';
import { fieldsOf, recordsIn, report, withoutKafka } from './ad-server-reports.js';
import { AdServerWorld } from './ad-server-world.js';

let world: AdServerWorld;
let log: { events: LoggedEvent[]; consumer: Consumer };
beforeAll(async () => {
  world = await AdServerWorld.open();
  log = await followEvents(world.config, TOPICS.conversionEvents);
});
afterAll(async () => {
  await log.consumer.disconnect();
  await world.close();
});

const send = (path: string, body: unknown, apiKey = world.apiKey) =>
  report(world.server.url, apiKey, path, body);
const newOrderId = () => `order-${randomBytes(4).toString('hex')}`;
const line = (lineNo: number, more: object = {}) => ({
  lineNo,
  productId: `prd_${lineNo}`,
  sellerId: 'adv_kitchen1',
  quantity: 3,
  unitPriceKrw: 1_990,
  ...more,
});
const order = (more: object = {}) => ({
  orderId: newOrderId(),
  deviceId: newDevice(),
  orderedAt: new Date().toISOString(),
  lines: [line(1), line(2)],
  ...more,
});
const eventsOf = (orderId: string) => log.events.filter((event) => event.value.orderId === orderId);
const untilLogged = (orderId: string, count: number) =>
  poll(`${count} events of ${orderId}`, () => {
    const events = eventsOf(orderId);
    return Promise.resolve(events.length >= count && events);
  });

describe('an order', () => {
  it('is one event per line under its device, worth quantity times unit price', async () => {
    const placed = order();
    const before = Date.now();
    const answer = await send('/v1/orders', placed);
    expect(answer.status).toBe(202);
    const { orderId } = placed;
    expect(answer.body).toEqual({ orderId, orderLineIds: [`${orderId}:1`, `${orderId}:2`] });
    const [first] = await untilLogged(orderId, 2);
    const deviceHash = keyedHash(world.config.HASH_KEY, 'device', placed.deviceId);
    expect(first?.key).toBe(deviceHash);
    expect(first?.headers).toEqual({ type: 'ORDER_LINE_PLACED' });
    const event = orderLinePlacedSchema.parse(first?.value);
    expect(event).toMatchObject({
      eventId: `placed:${orderId}:1`,
      orderLineId: `${orderId}:1`,
      deviceHash,
      productId: 'prd_1',
      sellerId: 'adv_kitchen1',
      quantity: 3,
      amountKrw: 5_970,
      orderedAt: Date.parse(placed.orderedAt),
    });
    expect(event.recordedAt).toBeGreaterThanOrEqual(before);
    expect(JSON.stringify(first?.value)).not.toContain(placed.deviceId);
  });

  it('of the future was ordered when we heard of it', async () => {
    const placed = order({ orderedAt: '2199-12-31T23:59:59+09:00' });
    await send('/v1/orders', placed);
    const [first] = await untilLogged(placed.orderId, 2);
    expect(first?.value.orderedAt).toBe(first?.value.recordedAt);
  });

  it('sent again has the same event ids', async () => {
    const placed = order();
    const first = await send('/v1/orders', placed);
    const again = await send('/v1/orders', placed);
    expect(again).toEqual(first);
    const events = await untilLogged(placed.orderId, 4);
    expect(new Set(events.map((event) => event.value.eventId)).size).toBe(2);
  });

  it('of 200 lines with the longest names, in Korean letters, is taken whole', async () => {
    const long = { productId: '가'.repeat(64), sellerId: '나'.repeat(64), unitPriceKrw: 1_000_000_000 };
    const lines = Array.from({ length: 200 }, (_, index) => line(9_801 + index, long));
    const placed = order({ lines });
    expect((await send('/v1/orders', placed)).status).toBe(202);
    expect(await untilLogged(placed.orderId, 200)).toHaveLength(200);
  });

  it('may be free of charge, and may name products that we do not know', async () => {
    const placed = order({ lines: [line(1, { productId: '새 상품', unitPriceKrw: 0 })] });
    expect((await send('/v1/orders', placed)).status).toBe(202);
    const [event] = await untilLogged(placed.orderId, 1);
    expect(event?.value).toMatchObject({ productId: '새 상품', amountKrw: 0 });
  });
});

describe('a cancellation', () => {
  it('is one event per line that is taken back, and needs no order', async () => {
    const orderId = newOrderId();
    const deviceId = newDevice();
    const body = { deviceId, lines: [{ lineNo: 2 }, { lineNo: 7 }] };
    const answer = await send(`/v1/orders/${orderId}/cancellations`, body);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ orderId, orderLineIds: [`${orderId}:2`, `${orderId}:7`] });
    const [event] = await untilLogged(orderId, 2);
    const deviceHash = keyedHash(world.config.HASH_KEY, 'device', deviceId);
    expect(event?.key).toBe(deviceHash);
    expect(orderLineCancelledSchema.strict().parse(event?.value)).toMatchObject({
      eventId: `cancelled:${orderId}:2`,
      type: 'ORDER_LINE_CANCELLED',
      orderLineId: `${orderId}:2`,
    });
  });
});

describe('nothing is recorded of', () => {
  const refused = async (path: string, body: unknown, apiKey?: string) => {
    const before = await recordsIn(world.config, TOPICS.conversionEvents);
    const answer = await send(path, body, apiKey);
    expect(await recordsIn(world.config, TOPICS.conversionEvents)).toBe(before);
    return answer;
  };

  it.each([
    ['a colon in the order id', { orderId: 'a:1' }, 'body.orderId'],
    ['no line', { lines: [] }, 'body.lines'],
    ['201 lines', { lines: Array.from({ length: 201 }, (_, index) => line(index + 1)) }, 'body.lines'],
    ['a line number that stands twice', { lines: [line(1), line(2), line(1)] }, 'body.lines.2.lineNo'],
    ['quantity zero', { lines: [line(1, { quantity: 0 })] }, 'body.lines.0.quantity'],
    ['half a won', { lines: [line(1, { unitPriceKrw: 10.5 })] }, 'body.lines.0.unitPriceKrw'],
    ['a negative price', { lines: [line(1, { unitPriceKrw: -1 })] }, 'body.lines.0.unitPriceKrw'],
    ['a price as text', { lines: [line(1, { unitPriceKrw: '10' })] }, 'body.lines.0.unitPriceKrw'],
    ['an amount sent along', { lines: [line(1, { amountKrw: 1 })] }, 'body.lines.0.amountKrw'],
    ['a NUL in a product id', { lines: [line(1, { productId: 'a\u0000b' })] }, 'body.lines.0.productId'],
    ['no time zone', { orderedAt: '2026-01-01T00:00:00' }, 'body.orderedAt'],
    ['a time before our time', { orderedAt: '1969-01-01T00:00:00Z' }, 'body.orderedAt'],
    ['no device', { deviceId: '' }, 'body.deviceId'],
  ])('an order with %s', async (_, more, field) => {
    const answer = await refused('/v1/orders', order(more));
    expect([answer.status, answer.body.code, fieldsOf(answer)]).toEqual([400, 'invalid_request', [field]]);
    expect(answer.body.nextStep).toEqual(expect.any(String));
  });

  it('an order with many problems, which are told together', async () => {
    const answer = await refused('/v1/orders', { orderId: '', lines: [line(0, { quantity: 1.5 })] });
    expect(fieldsOf(answer).sort()).toEqual([
      'body.deviceId',
      'body.lines.0.lineNo',
      'body.lines.0.quantity',
      'body.orderId',
      'body.orderedAt',
    ]);
  });

  it('a cancellation of an unreadable order, of no line, or of one twice', async () => {
    const wrong = await refused('/v1/orders/a%3A1/cancellations', { lines: [] });
    expect(wrong.status).toBe(400);
    expect(fieldsOf(wrong).sort()).toEqual(['body.deviceId', 'body.lines', 'params.orderId']);
    const twice = { deviceId: 'd', lines: [{ lineNo: 1 }, { lineNo: 1 }] };
    const answer = await refused('/v1/orders/a1/cancellations', twice);
    expect(fieldsOf(answer)).toEqual(['body.lines.1.lineNo']);
    const broken = await refused('/v1/orders/%E0%A4%A/cancellations', twice);
    expect([broken.status, broken.body.code]).toEqual([400, 'invalid_request']);
  });

  it('a body that is too large, no JSON, or of another method', async () => {
    const large = await refused('/v1/orders', order({ deviceId: 'x'.repeat(140_000) }));
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    const broken = await refused('/v1/orders', '[1,');
    expect([broken.status, broken.body.code]).toEqual([400, 'malformed_json']);
    const asked = await fetch(new URL('/v1/orders', world.server.url));
    expect([asked.status, asked.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('a key without the scope, and no key', async () => {
    const scopes = ['ads:read', 'clicks:write', 'events:write'] as const;
    const key = await insertApiKey(world.database.appPool, world.config.HASH_KEY, scopes);
    const cancellation = { deviceId: 'd', lines: [{ lineNo: 1 }] };
    for (const [path, body] of [
      ['/v1/orders', order()],
      ['/v1/orders/a1/cancellations', cancellation],
    ] as const) {
      expect((await refused(path, body, key)).status).toBe(403);
      expect((await refused(path, body, 'ak_nobody.nothing')).status).toBe(401);
    }
  });
});

describe('while Kafka is away', () => {
  it('orders and cancellations are answered with 503 and Retry-After', async () => {
    await withoutKafka(world.config, async ({ url }) => {
      const down = { status: 503, retryAfter: '1', body: { code: 'event_log_down' } };
      expect(await report(url, world.apiKey, '/v1/orders', order())).toMatchObject(down);
      const body = { deviceId: 'd', lines: [{ lineNo: 1 }] };
      expect(await report(url, world.apiKey, '/v1/orders/a1/cancellations', body)).toMatchObject(down);
    });
  });

  it('the shop’s client keeps the order and delivers it, unchanged, when the log is back', async () => {
    const placed = order();
    let isDown = true;
    await withoutKafka(world.config, async ({ url }) => {
      // The same client finds the server without Kafka first, then the one with it.
      const either = (request: Request) => {
        const { pathname } = new URL(request.url);
        return fetch(new Request(new URL(pathname, isDown ? url : world.server.url), request));
      };
      const options = {
        adServerUrl: url,
        apiKey: world.apiKey,
        log: { warn() {}, error() {} },
        fetch: either,
      };
      const client = createShopClient(options);
      expect(await client.reportOrder(placed)).toEqual({ state: 'queued' });
      expect(client.waiting()).toBe(1);
      isDown = false;
      await poll('the queue is empty', () => Promise.resolve(client.waiting() === 0));
      expect(await untilLogged(placed.orderId, 2)).toHaveLength(2);
      client.close();
    });
  });
});
