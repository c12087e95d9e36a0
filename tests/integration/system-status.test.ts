import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConsoleApp } from '../../api/console/app.js';
import { createPartReaders } from '../../api/console/system-status.js';
import { listen, type RunningServer } from '../../api/kit/server.js';
import { STATUS_PARTS, type StatusPart } from '../../contracts/http/system-status.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient } from '../../infra/temporal.js';
import { readSystemStatus } from '../../operations/read-system-status.js';
import { STALL_MS } from '../support/poll.js';
import { type IdentityConsole, PASSWORD, PEOPLE, startIdentityConsole } from './identity-console.js';

/** Nobody listens here. */
const NOWHERE = '127.0.0.1:9';

let consoleApi: IdentityConsole;
let server: RunningServer;
beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  const app = createConsoleApp(consoleApi.deps, { otherRouteDocs: [] });
  server = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    log: consoleApi.deps.log,
    shutdownTimeoutMs: 2_000,
  });
});
afterAll(async () => {
  await server.close();
  await consoleApi.close();
});

const partOf = (parts: readonly StatusPart[], name: string) => parts.find((part) => part.name === name);

describe('system status', () => {
  test('every part answers for itself on a running stack', async () => {
    const token = await consoleApi.signIn('admin');
    const { status, body } = await consoleApi.call('/v1/system-status', { token });
    expect(status).toBe(200);
    const parts = body.parts as StatusPart[];
    expect(parts.map((part) => part.name)).toEqual([...STATUS_PARTS]);
    for (const name of ['deadLetters', 'notifications', 'reconciliation', 'businessDays', 'stopRelay']) {
      expect(partOf(parts, name)).toMatchObject({ level: 'ok', problem: null });
    }
    expect(partOf(parts, 'reconciliation')?.figures).toMatchObject({ broken: 0 });
  });

  test('what needs a person is told: a dead letter, a notice that failed, a stop that does not arrive', async () => {
    const { deps, owner } = consoleApi;
    await owner.query(
      `INSERT INTO dead_letter (topic, partition, "offset", headers, reason) VALUES ('ad-events', 0, 1, '{}', 'schema')`,
    );
    await owner.query(
      `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
       VALUES ('campaign', 'cmp_status_test', true, 'paused', 900000000, now() - interval '5 seconds')`,
    );
    await owner.query(
      `WITH n AS (INSERT INTO notification (dedupe_key, template, role, variables, created_at)
         VALUES ('status', 'campaign_approved', 'admin', '{}', now()) RETURNING id)
       INSERT INTO notification_delivery (notification_id, channel, status) SELECT id, 'mail', 'failed' FROM n`,
    );
    await owner.query(
      `INSERT INTO order_line_fate_5m (window_start_ms, direct, indirect, unmatched, order_lines,
         conversion_value_krw, rules_version)
       SELECT ms - ms % 300000, 2, 1, 4, 7, 900, 1
       FROM (SELECT (extract(epoch FROM business_now()) * 1000)::bigint - 600000 AS ms) AS earlier`,
    );
    const { parts } = await readSystemStatus(createPartReaders(deps));
    expect(partOf(parts, 'deadLetters')).toMatchObject({
      level: 'attention',
      figures: {
        unresolved: 1,
        orderLinesOf24Hours: 'direct 2, indirect 1, unmatched 4, set aside 0',
        lateClicksOf24Hours: 0,
      },
    });
    expect(partOf(parts, 'notifications')).toMatchObject({ level: 'attention', figures: { failed: 1 } });
    expect(partOf(parts, 'stopRelay')).toMatchObject({ level: 'attention', figures: { onTheWay: 1 } });
  });

  test('parts that are away say so within their time, and the others are told all the same', async () => {
    const log = pino({ level: 'silent' });
    const redis = createRedis(`redis://${NOWHERE}`, log, { failFast: true });
    const config = {
      ...consoleApi.deps.config,
      FLINK_REST_URL: `http://${NOWHERE}`,
      KAFKA_BROKERS: [NOWHERE],
    };
    const temporal = createTemporalClient({ TEMPORAL_ADDRESS: NOWHERE, TEMPORAL_NAMESPACE: 'default' });
    const startedAtMs = Date.now();
    const away = { ...consoleApi.deps, config, redis, temporal, log };
    const { level, parts } = await readSystemStatus(createPartReaders(away));
    expect(Date.now() - startedAtMs).toBeLessThan(5_000 + STALL_MS);
    expect(level).toBe('unavailable');
    const unavailable = parts.filter((part) => part.level === 'unavailable');
    expect(unavailable.map((part) => part.name)).toEqual([
      'ranking',
      'flink',
      'consumers',
      'workflows',
      'stopRelay',
    ]);
    for (const part of unavailable) expect(part.problem).toMatch(/\S/);
    expect(partOf(parts, 'reconciliation')?.figures).toMatchObject({ invariants: expect.any(Number) });
    redis.disconnect();
    // Temporal’s client is left alone: a call that it still repeats must not meet a closed channel.
  });

  test.each(['advertiser', 'finance'] as const)('%s does not see it', async (name) => {
    const token = await consoleApi.signIn(name);
    expect((await consoleApi.call('/v1/system-status', { token })).status).toBe(403);
  });
});

describe('status page', () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, { headers, redirect: 'manual' });
  const signIn = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: server.url, ...headers },
      body: new URLSearchParams(fields),
    });
  const cookieOf = (response: Response) => (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

  test('leads a stranger to the form, signs in, and shows every part without a script', async () => {
    const stranger = await get('/status');
    expect([stranger.status, stranger.headers.get('location')]).toEqual([303, '/sign-in']);
    const form = await get('/sign-in');
    expect(await form.text()).toContain('<form action="/sign-in" method="post">');
    const answer = await signIn({ email: PEOPLE.admin.email, password: PASSWORD });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status']);
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/);
    const page = await get('/status', { cookie: cookieOf(answer) });
    const text = await page.text();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).toMatch(/<html lang="ko">.*시스템 상태.*장부 검증/s);
    expect(text).toContain('http-equiv="refresh"');
    expect(text).not.toMatch(/<script/);
    const english = await get('/status', { cookie: cookieOf(answer), 'accept-language': 'en-GB,ko;q=0.5' });
    expect(await english.text()).toMatch(/<html lang="en">.*System status.*Open workflows/s);
  });

  test('is for operators only', async () => {
    const answer = await signIn({ email: PEOPLE.finance.email, password: PASSWORD });
    const page = await get('/status', { cookie: cookieOf(answer) });
    expect(page.status).toBe(403);
    expect(await page.text()).not.toContain('<table>');
  });

  test.each([
    ['a wrong password', { email: 'admin@ads.test', password: 'wrong' }, {}, 401],
    ['no password', { email: 'admin@ads.test' }, {}, 400],
    ['an unknown field', { email: 'admin@ads.test', password: PASSWORD, role: 'admin' }, {}, 400],
    ['a form that is too large', { email: 'admin@ads.test', password: 'x'.repeat(5_000) }, {}, 400],
    ['another body', { email: 'admin@ads.test' }, { 'content-type': 'text/plain' }, 400],
    [
      'a form of another site',
      { email: 'admin@ads.test', password: PASSWORD },
      { origin: 'http://evil.test' },
      403,
    ],
  ])('%s opens no session', async (_, fields, headers, status) => {
    const answer = await signIn(fields, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await answer.text()).toContain('role="alert"');
  });

  test('too many tries are told in the reader’s language, and when to try again', async () => {
    const fields = { email: 'nobody-at-all@ads.test', password: 'wrong' };
    for (let n = 0; n < 5; n += 1) expect((await signIn(fields)).status).toBe(401);
    const answer = await signIn(fields);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.text()).toContain('로그인 시도가 너무 많습니다');
    const english = await signIn(fields, { 'accept-language': 'en' });
    expect(await english.text()).toContain('Too many tries');
  });

  test('what people wrote is text on the page, never markup', async () => {
    const { deps } = consoleApi;
    const readers = createPartReaders(deps);
    const status = await readSystemStatus({
      ...readers,
      ranking: async () => ({ figures: { '<b>': '<img src=x>' }, problem: '<script>1</script>' }),
    });
    const { statusPage } = await import('../../api/console/status-page.js');
    expect(statusPage(status, 'ko')).not.toMatch(/<b>|<img|<script/);
  });
});
