import { type IncomingMessage, request } from 'node:http';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Actor } from '../../domain/access.js';
import { err, ok } from '../../domain/result.js';
import { createMetrics } from '../../infra/metrics.js';
import { createHttpApp } from './app.js';
import { generateOpenApi } from './openapi.js';
import { FailureError } from './problem.js';
import { defineRoute, type RouteDefinition } from './route.js';
import { listen, type RunningServer } from './server.js';

const ACTORS: Record<string, Actor> = {
  advertiser: { kind: 'user', userId: 'usr_1', role: 'advertiser', advertiserId: 'adv_1' },
  admin: { kind: 'user', userId: 'usr_2', role: 'admin', advertiserId: null },
  reader: { kind: 'api-key', keyId: 'key_1', scopes: ['ads:read'] },
};

const thing = z.object({ name: z.string().min(2), sizes: z.array(z.object({ cm: z.number().int() })) });

const routes: RouteDefinition[] = [
  defineRoute({
    method: 'post',
    path: '/v1/things/{id}',
    summary: 'Change a thing.',
    access: { roles: ['admin'] },
    params: z.object({ id: z.string().min(3) }),
    query: z.object({ times: z.coerce.number().int().max(5).default(1) }),
    body: thing,
    idempotent: true,
    responses: { 200: { description: 'Changed.', schema: z.object({ id: z.string(), times: z.number() }) } },
    handler: async ({ params, query, body, actor }) => {
      if (body.name === 'taken') return err({ code: 'already_exists', message: 'Taken.', field: 'name' });
      if (body.name === 'crash') throw new Error('a secret detail');
      if (body.name === 'outage') throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
      if (body.name === 'thrown') throw new FailureError({ code: 'conflict', message: 'Thrown.' });
      const answer = { id: params.id, times: query.times, undescribed: actor.userId };
      return { status: 200, body: answer };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/ads-like',
    summary: 'For machines.',
    access: { scope: 'ads:read' },
    responses: { 200: { description: 'Fine.', schema: z.object({ key: z.string() }) } },
    handler: async ({ actor }) => ({ status: 200, body: { key: actor.keyId } }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/open',
    summary: 'For all.',
    access: { public: true },
    responses: { 204: { description: 'Nothing.' } },
    handler: async ({ actor }) => (actor === null ? { status: 204 } : err({ code: 'conflict', message: '' })),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/bytes',
    summary: 'Takes bytes as they came.',
    access: { public: true },
    rawBody: { contentTypes: ['image/png', 'application/json'], limit: '1kb' },
    responses: { 200: { description: 'Their number.', schema: z.object({ hex: z.string() }) } },
    handler: async ({ rawBody }) => ({ status: 200, body: { hex: rawBody.toString('hex') } }),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/papers',
    summary: 'Holds few bodies at a time.',
    access: { roles: ['admin', 'advertiser'] },
    rawBody: { contentTypes: ['image/png'], limit: '1kb', atOnce: { all: 2, each: 1 } },
    responses: { 200: { description: 'How many bytes.', schema: z.object({ size: z.number() }) } },
    handler: async ({ rawBody }) => ({ status: 200, body: { size: rawBody.length } }),
  }),
];

let server: RunningServer;

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  const app = createHttpApp({
    server: 'test',
    log,
    metrics: createMetrics({ defaultMetrics: false }),
    routes,
    authenticate: async (req) => {
      const name = req.get('authorization')?.replace('Bearer ', '') ?? '';
      if (name === 'cross-site') return err({ code: 'csrf_check_failed', message: 'No.' });
      return ok(ACTORS[name] ?? null);
    },
    trustedProxies: 'loopback',
    limitRate: async (req) =>
      req.get('x-greedy') === '1' || req.ip === '203.0.113.9'
        ? { allowed: false, retryAfterSeconds: 7 }
        : { allowed: true },
  });
  server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 1_000 });
});
afterAll(() => server.close());

interface Call {
  readonly as?: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function call(path: string, options: Call = {}) {
  const response = await fetch(`${server.url}${path}`, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(options.as === undefined ? {} : { authorization: `Bearer ${options.as}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      'idempotency-key': 'act-00000001',
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

const good = { name: 'lamp', sizes: [{ cm: 3 }] };

describe('validation', () => {
  test('a valid request reaches the handler, and undescribed fields never leave', async () => {
    const answer = await call('/v1/things/abc?times=2', { as: 'admin', body: good });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ id: 'abc', times: 2 });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('every problem is reported together, with the names of the fields', async () => {
    const answer = await call('/v1/things/a?times=9&typo=1', {
      as: 'admin',
      body: { name: 'x', sizes: [{ cm: 1.5, inch: 1 }], userId: 'usr_9' },
      headers: { 'idempotency-key': 'no' },
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ code: 'invalid_request', status: 400, title: 'Bad Request' });
    expect(answer.body.errors.map((error: { field: string }) => error.field).sort()).toEqual([
      'body.name',
      'body.sizes.0.cm',
      'body.sizes.0.inch',
      'body.userId',
      'headers.idempotency-key',
      'params.id',
      'query.times',
      'query.typo',
    ]);
  });

  test.each([
    ['malformed JSON', '{"name":', 400, 'malformed_json'],
    ['more than 64 kB', JSON.stringify({ ...good, name: 'x'.repeat(70_000) }), 413, 'body_too_large'],
    ['a bare value', '"text"', 400, 'malformed_json'],
  ])('%s is refused', async (_name, body, status, code) => {
    const answer = await call('/v1/things/abc', { as: 'admin', body });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('a body that is not JSON by its content type is refused', async () => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await call('/v1/things/abc', { as: 'admin', body: good, headers });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  test('text that no store takes is refused wherever it stands, with its field', async () => {
    const body = '{"name":"a\\u0000b","sizes":[{"cm":1,"\\ud83d":"x"}]}';
    const answer = await call('/v1/things/ab%00c?times=%00', { as: 'admin', body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    const fields: string[] = answer.body.errors.map((error: { field: string }) => error.field);
    for (const field of ['params.id', 'query.times', 'body.name', 'body.sizes.0'])
      expect(fields).toContain(field);
    const half = await call('/v1/things/abc', { as: 'admin', body: '{"name":"lamp \\udc5f","sizes":[]}' });
    expect(half.body.errors).toMatchObject([{ field: 'body.name' }]);
  });

  test('a missing body names the body', async () => {
    const answer = await call('/v1/things/abc', { as: 'admin', method: 'POST' });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'body']);
  });
});

describe('deny by default', () => {
  test.each([
    ['/v1/things/abc', undefined, 401],
    ['/v1/things/abc', 'nobody', 401],
    ['/v1/things/abc', 'advertiser', 403],
    ['/v1/things/abc', 'reader', 403],
    ['/v1/things/abc', 'cross-site', 403],
  ])('POST %s as %s is %i, before its body is looked at', async (path, as, status) => {
    const answer = await call(path, { body: { nonsense: true }, ...(as === undefined ? {} : { as }) });
    expect(answer.status).toBe(status);
    expect(answer.body.errors).toBeUndefined();
  });

  test('a scope is not a role and a role is not a scope', async () => {
    expect((await call('/v1/ads-like', { as: 'reader' })).body).toEqual({ key: 'key_1' });
    expect((await call('/v1/ads-like', { as: 'admin' })).status).toBe(403);
  });

  test('a public route knows nobody, whatever is presented', async () => {
    expect((await call('/v1/open', { as: 'admin' })).status).toBe(204);
  });

  test('a route that does not say who may call it is refused at start-up', () => {
    const spec = {
      method: 'get' as const,
      path: '/v1/forgotten',
      summary: 'Forgotten.',
      responses: { 204: { description: 'Nothing.' } },
      handler: async () => ({ status: 204 as const }),
    };
    // @ts-expect-error access is required: this line must not compile without the directive.
    expect(() => defineRoute(spec)).toThrow('must say who may call it');
  });

  test('params must be those of the path', () => {
    expect(() =>
      defineRoute({
        method: 'get',
        path: '/v1/x/{id}',
        summary: 'x',
        access: { public: true },
        responses: { 204: { description: 'Nothing.' } },
        handler: async () => ({ status: 204 }),
      }),
    ).toThrow('params () differ from the path (id)');
  });
});

describe('problems', () => {
  test('a failure of the handler becomes its problem, with the field', async () => {
    const answer = await call('/v1/things/abc', { as: 'admin', body: { ...good, name: 'taken' } });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'already_exists', errors: [{ field: 'name' }] });
  });

  test('a thrown failure keeps its code; any other throw tells nothing of the inside', async () => {
    const thrown = await call('/v1/things/abc', { as: 'admin', body: { ...good, name: 'thrown' } });
    expect([thrown.status, thrown.body.code]).toEqual([409, 'conflict']);
    const crash = await call('/v1/things/abc', { as: 'admin', body: { ...good, name: 'crash' } });
    expect(crash.status).toBe(500);
    expect(JSON.stringify(crash.body)).not.toContain('secret');
  });

  test('an unknown path is 404, a known path with another method 405 with what is allowed', async () => {
    expect((await call('/v1/nothing')).body.code).toBe('not_found');
    const answer = await call('/v1/things/abc', { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('a caller without valid credentials is counted too', async () => {
    const answer = await call('/v1/things/abc', { as: 'nobody', body: good, headers: { 'x-greedy': '1' } });
    expect(answer.status).toBe(429);
    const crossSite = { 'x-greedy': '1' };
    expect((await call('/v1/things/abc', { as: 'cross-site', body: good, headers: crossSite })).status).toBe(
      429,
    );
  });

  test('a trusted proxy’s word about the caller’s address counts', async () => {
    const from = (address: string) => call('/v1/open', { headers: { 'x-forwarded-for': address } });
    expect((await from('203.0.113.9')).status).toBe(429);
    expect((await from('203.0.113.9, 198.51.100.7')).status).toBe(204);
  });

  test('a store that does not answer is 503, with what to do', async () => {
    const answer = await call('/v1/things/abc', { as: 'admin', body: { ...good, name: 'outage' } });
    expect([answer.status, answer.body.code]).toEqual([503, 'dependency_unavailable']);
    expect(answer.body.nextStep).toContain('Try again');
  });

  test('too many requests say when to come back', async () => {
    const answer = await call('/v1/open', { headers: { 'x-greedy': '1' } });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });

  test('the correlation id of the caller is kept when harmless, replaced when not, and named in problems', async () => {
    const kept = await call('/v1/nothing', { headers: { 'x-correlation-id': 'order-12345678' } });
    expect(kept.headers.get('x-correlation-id')).toBe('order-12345678');
    expect(kept.body.correlationId).toBe('order-12345678');
    const replaced = await call('/v1/nothing', { headers: { 'x-correlation-id': '<script>' } });
    expect(replaced.body.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('security headers are on, the server does not name itself', async () => {
    const { headers } = await call('/v1/open');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('OpenAPI', () => {
  test('the same definitions describe the routes: strict bodies, who may call, every problem', () => {
    const document = generateOpenApi(routes, { title: 't', version: '1', description: '' });
    const text = JSON.stringify(document);
    expect(document).toMatchObject({
      paths: {
        '/v1/things/{id}': {
          post: {
            operationId: 'postThingsId',
            security: [{ session: [] }, { bearer: [] }],
            requestBody: {
              content: {
                'application/json': { schema: { additionalProperties: false, required: ['name', 'sizes'] } },
              },
            },
          },
        },
        '/v1/ads-like': { get: { security: [{ apiKey: [] }] } },
        '/v1/open': { get: { security: [] } },
      },
    });
    expect(text).toContain('Idempotency-Key');
    expect(text).toContain('#/components/schemas/Problem');
  });
});

describe('raw bodies', () => {
  const put = (contentType: string, body: Uint8Array<ArrayBuffer> | string) =>
    fetch(`${server.url}/v1/bytes`, { method: 'PUT', headers: { 'content-type': contentType }, body });

  test('reach the handler byte for byte, whatever they hold', async () => {
    expect(await (await put('image/png', new Uint8Array([0, 255, 13, 10]))).json()).toEqual({
      hex: '00ff0d0a',
    });
    expect(await (await put('application/json', '{ "a":1}')).json()).toEqual({ hex: '7b202261223a317d' });
  });

  test('of another type or too large are refused', async () => {
    expect((await put('text/html', '<p>')).status).toBe(415);
    expect((await put('image/png', new Uint8Array(2_000))).status).toBe(413);
  });
});

test('bodies are held for few callers at a time, and for each caller few; whoever breaks off gives way', async () => {
  const put = (who: string) => {
    const ask = request(`${server.url}/v1/papers`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${who}`, 'content-type': 'image/png' },
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      ask.once('response', resolve).once('error', reject);
    });
    answer.catch(() => undefined);
    ask.write('half');
    return { ask, answer };
  };
  const statusOf = async (who: string) => {
    const { ask, answer } = put(who);
    ask.end();
    const { statusCode, headers } = await answer;
    return [statusCode, headers['retry-after']];
  };
  const slow = put('admin');
  await expect.poll(() => statusOf('admin')).toEqual([429, '5']);
  expect(await statusOf('advertiser')).toEqual([200, undefined]);
  slow.ask.end();
  expect((await slow.answer).statusCode).toBe(200);
  const broken = put('admin');
  await expect.poll(() => statusOf('admin')).toEqual([429, '5']);
  broken.ask.destroy();
  await expect.poll(() => statusOf('admin')).toEqual([200, undefined]);
});
