import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_SCOPES } from '../../domain/access.js';
import { clickPress } from '../support/paid-clicks.js';
import { insertApiKey } from './ad-server-harness.js';
import { AdServerWorld } from './ad-server-world.js';

/** A click is told the same on the short way and through Express, whatever is wrong with it. */
let world: AdServerWorld;
let ordersOnly: string;
beforeAll(async () => {
  world = await AdServerWorld.open((config) => ({ ...config, CLICK_OUTCOME_TIMEOUT_MS: 1 }));
  ordersOnly = await insertApiKey(
    world.database.appPool,
    world.config.HASH_KEY,
    API_SCOPES.filter((scope) => scope === 'orders:write'),
  );
});
afterAll(() => world.close());

/** The short way takes requests in one spelling of the type; the other one means the same and goes through Express. */
const TYPES = { short: 'application/json', express: 'application/json;  charset="utf-8"' } as const;
type Way = keyof typeof TYPES;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Record<string, unknown>;
}

function send(body: string | Buffer, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body));
    const call = request(
      new URL('/v1/clicks', world.server.url),
      { method: 'POST', headers: { 'content-length': length, ...headers } },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: JSON.parse(Buffer.concat(chunks).toString()),
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

const on = (way: Way, more: Record<string, string> = {}) => ({
  'content-type': TYPES[way],
  authorization: `Bearer ${world.apiKey}`,
  ...more,
});

/** What may differ between any two answers. */
function comparable({ status, headers, body }: Answer) {
  const { date, 'content-length': _, 'x-correlation-id': correlation, ...others } = headers;
  return {
    status,
    headers: { ...others, correlation: typeof correlation, date: typeof date },
    body: { ...body, correlationId: typeof body.correlationId, clickId: typeof body.clickId },
  };
}

const genuine = () => {
  const { clickToken, adId, deviceId, clickedAt } = clickPress(world.config)(
    { advertiserId: 'adv_short', campaignId: `cmp_${Math.random()}`, priceKrw: 100 },
    Date.now(),
  );
  return { clickToken, adId, deviceId, clickedAt };
};

describe('a click on both ways', () => {
  it.each<[string, () => string | Buffer, number]>([
    ['a genuine click', () => JSON.stringify(genuine()), 202],
    ['another device', () => JSON.stringify({ ...genuine(), deviceId: 'another' }), 400],
    ['another ad', () => JSON.stringify({ ...genuine(), adId: 'ad_x' }), 400],
    ['a forged token', () => JSON.stringify({ ...genuine(), clickToken: 'v2.a-1.bbbbbbbbbbbbbbbb.c' }), 400],
    ['fields that are missing', () => '{}', 400],
    ['a field too many', () => JSON.stringify({ ...genuine(), price: 1 }), 400],
    ['a list', () => '[]', 400],
    ['null', () => 'null', 400],
    ['a text', () => '"click"', 400],
    ['half a body', () => '{"clickToken":', 400],
    ['bytes that are no letters', () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400],
  ])('%s', async (_, body, status) => {
    const answers = [await send(body(), on('short')), await send(body(), on('express'))];
    const [short, express] = answers.map(comparable);
    expect(short).toEqual(express);
    expect(short?.status).toBe(status);
  });

  it.each<[string, Record<string, string>, number]>([
    ['no key', { authorization: '' }, 401],
    ['an unknown key', { authorization: 'Bearer nobody' }, 401],
  ])('%s', async (_, headers, status) => {
    const body = JSON.stringify(genuine());
    const [short, express] = [
      comparable(await send(body, on('short', headers))),
      comparable(await send(body, on('express', headers))),
    ];
    expect(short).toEqual(express);
    expect(short.status).toBe(status);
    expect(short.headers).toHaveProperty('www-authenticate');
  });

  it('a key for orders only', async () => {
    const headers = { authorization: `Bearer ${ordersOnly}` };
    const [short, express] = [
      comparable(await send(JSON.stringify(genuine()), on('short', headers))),
      comparable(await send(JSON.stringify(genuine()), on('express', headers))),
    ];
    expect(short).toEqual(express);
    expect(short.status).toBe(403);
  });

  it('the correlation id of the caller comes back on both, a harmful one on neither', async () => {
    for (const way of ['short', 'express'] as const) {
      const id = { 'x-correlation-id': 'shop-click-0001' };
      expect((await send(JSON.stringify(genuine()), on(way, id))).headers).toMatchObject(id);
      const refused = await send('{}', on(way, id));
      expect(refused.body.correlationId).toBe('shop-click-0001');
      const harmful = await send('{}', on(way, { 'x-correlation-id': 'a b' }));
      expect(harmful.headers['x-correlation-id']).not.toBe('a b');
      expect(harmful.body.correlationId).toBe(harmful.headers['x-correlation-id']);
    }
  });

  it('a body of more than 16 kB is refused by either', async () => {
    const body = JSON.stringify({ ...genuine(), deviceId: 'x'.repeat(17_000) });
    for (const way of ['short', 'express'] as const) {
      expect(await send(body, on(way))).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    }
  });

  it('the same click on one way and then the other is one click', async () => {
    const click = JSON.stringify(genuine());
    const first = await send(click, on('short'));
    const again = await send(click, on('express'));
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body.clickId).toBe(first.body.clickId);
  });

  it('whoever hangs up in the middle of a body costs nothing but its own connection', async () => {
    await new Promise<void>((resolve) => {
      const call = request(new URL('/v1/clicks', world.server.url), {
        method: 'POST',
        headers: { ...on('short'), 'content-length': '500' },
      });
      call.on('error', () => resolve());
      call.on('close', () => resolve());
      call.write('{"clickToken":', () => call.destroy());
    });
    expect((await send(JSON.stringify(genuine()), on('short'))).status).toBe(202);
  });
});
