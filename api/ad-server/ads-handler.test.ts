import { describe, expect, it } from 'vitest';
import { ok } from '../../domain/result.js';
import { createLogger } from '../../infra/log.js';
import { createMetrics } from '../../infra/metrics.js';
import { listen } from '../kit/server.js';
import { adsHandler, parseAdQuery } from './ads-handler.js';
import { createAdServerMetrics } from './metrics.js';
import { targetOf } from './serve-ads.js';

const fieldsOf = (raw: Record<string, unknown>) => {
  const parsed = parseAdQuery(raw);
  return parsed.ok ? [] : (parsed.error.errors ?? []).map((error) => error.field);
};

describe('an ad query', () => {
  it('asks for five ads unless it says otherwise', () => {
    expect(parseAdQuery({ placement: 'HOME', deviceId: 'd' })).toEqual({
      ok: true,
      value: { placement: 'HOME', deviceId: 'd', maxAds: 5 },
    });
    expect(parseAdQuery({ placement: 'HOME', deviceId: 'd', maxAds: '20' })).toMatchObject({
      value: { maxAds: 20 },
    });
  });

  it('names all of its wrong fields at once', () => {
    expect(fieldsOf({ placement: 'MOON', maxAds: '21', colour: 'red' }).sort()).toEqual([
      'query.colour',
      'query.deviceId',
      'query.maxAds',
      'query.placement',
    ]);
  });

  it.each([
    ['CATEGORY', 'query.category'],
    ['PRODUCT_DETAIL', 'query.category'],
    ['SEARCH', 'query.query'],
  ])('for %s needs %s', (placement, field) => {
    expect(fieldsOf({ placement, deviceId: 'd' })).toEqual([field]);
  });

  it('takes no text that no store could hold', () => {
    const query = { placement: 'CATEGORY', deviceId: 'd' };
    expect(fieldsOf({ ...query, category: 'a\u0000' })).toEqual(['query.category']);
    expect(fieldsOf({ ...query, category: '\ud800' })).toEqual(['query.category']);
    expect(fieldsOf({ ...query, category: '컵 ☕' })).toEqual([]);
  });

  it('does not take a parameter twice', () => {
    expect(fieldsOf({ placement: ['HOME', 'SEARCH'], deviceId: 'd' })).toEqual(['query.placement']);
  });
});

describe('the ranking of a query', () => {
  const base = { deviceId: 'd', maxAds: 5, category: 'cups', query: ' Ｍug   CUP ' };
  it.each([
    ['HOME', '*'],
    ['CATEGORY', 'cups'],
    ['PRODUCT_DETAIL', 'cups'],
    ['SEARCH', 'mugcup'],
  ] as const)('for %s is that of %j', (placement, target) => {
    expect(targetOf({ ...base, placement })).toBe(target);
  });
});

describe('a fault of ours', () => {
  it.each([
    ['later', () => Promise.reject(new Error('later'))],
    [
      'at once',
      () => {
        throw new Error('at once');
      },
    ],
  ])('%s is told with the correlation id that its log line has', async (_, serveAds) => {
    const lines: string[] = [];
    const log = createLogger({ LOG_LEVEL: 'error', INSTANCE_NAME: 'i' }, 'p', {
      write: (line) => lines.push(line),
    });
    const metrics = createAdServerMetrics(createMetrics({ defaultMetrics: false }));
    const doc = {
      method: 'get',
      path: '/v1/ads',
      summary: '',
      access: { public: true },
      responses: {},
    } as const;
    const handler = adsHandler({ authorise: () => ok(null), serveAds, log, metrics }, doc);
    const server = await listen((req, res) => handler(req, res, 'placement=HOME&deviceId=d'), {
      host: '127.0.0.1',
      port: 0,
      log,
      shutdownTimeoutMs: 1_000,
    });
    try {
      const answer = await fetch(server.url);
      const body = (await answer.json()) as { correlationId: string };
      expect([answer.status, answer.headers.get('x-correlation-id')]).toEqual([500, body.correlationId]);
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { msg: 'request failed', correlationId: body.correlationId },
      ]);
    } finally {
      await server.close();
    }
  });
});
