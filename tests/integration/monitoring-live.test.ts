import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createConsoleApp } from '../../api/console/app.js';
import { LISTENERS_PER_PERSON } from '../../api/console/live-hub.js';
import { listen, type RunningServer } from '../../api/kit/server.js';
import type { LiveNumbers } from '../../contracts/http/monitoring.js';
import { watchBudgets } from '../../operations/budget-watch.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { delivered, fund } from '../support/money.js';
import { poll, STALL_MS } from '../support/poll.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

const OWN = '/v1/advertisers/adv_own';
const budget = { campaignId: 'cmp_1', advertiserId: 'adv_own', dailyBudgetKrw: 1_000, totalBudgetKrw: null };
/** The promise: a change is on the screen within two seconds, of a machine that does not stall. */
const WITHIN_MS = 2_000 + STALL_MS;
/** What is still open then is cut off: sooner is by itself. */
const CUT_AFTER_MS = 5_000;

let consoleApi: IdentityConsole;
let server: RunningServer;
let draining: AbortController;
let token: string;
let clicks = 0;

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  await fund(consoleApi.deps.pool, budget, 100_000);
  token = await consoleApi.signIn('advertiser');
});
afterAll(() => consoleApi.close());
beforeEach(async () => {
  draining = new AbortController();
  const app = createConsoleApp({ ...consoleApi.deps, draining: draining.signal }, { otherRouteDocs: [] });
  const { log } = consoleApi.deps;
  server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: CUT_AFTER_MS });
});
afterEach(async () => {
  draining.abort();
  await server.close();
});

async function spend(priceKrw: number): Promise<void> {
  clicks += 1;
  const wish = { name: `live-${clicks}`, advertiserId: 'adv_own', campaignId: 'cmp_1', priceKrw };
  await chargeClicks(consoleApi.deps.pool, [delivered(wish)], { bidFloorKrw: 50 });
}

interface Stream {
  readonly response: Response;
  readonly events: { readonly id: string; readonly data: LiveNumbers; readonly atMs: number }[];
  text: string;
  ended: boolean;
  close(): void;
}

/** A browser's EventSource in small, with the session as a cookie. */
async function open(path: string, headers: Record<string, string> = {}): Promise<Stream> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}${path}`, {
    headers: { cookie: `ads_session=${token}`, ...headers },
    signal: abort.signal,
  });
  const stream: Stream = { response, events: [], text: '', ended: false, close: () => abort.abort() };
  void read(stream).catch(() => {
    stream.ended = true;
  });
  return stream;
}

async function read(stream: Stream): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream.response.body ?? []) {
    stream.text += decoder.decode(chunk, { stream: true });
    const parts = stream.text.split('\n\n');
    const events = parts.slice(0, -1).filter((part) => part.startsWith('event: numbers'));
    for (const part of events.slice(stream.events.length)) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
      stream.events.push({ id: field('id'), data: JSON.parse(field('data')), atMs: Date.now() });
    }
  }
  stream.ended = true;
}

const has = (stream: Stream, count: number) =>
  poll(`${count} events`, async () => stream.events.length >= count);

describe('live numbers', () => {
  test('a charge is told within two seconds, with state and alert; nothing is told when nothing changed', async () => {
    const stream = await open(`${OWN}/live`);
    expect([stream.response.status, stream.response.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    await has(stream, 1);
    const before = stream.events[0]?.data;
    await spend(850);
    await watchBudgets(consoleApi.deps.pool, ['adv_own']);
    const committedAtMs = Date.now();
    await has(stream, 2);
    const last = stream.events.at(-1);
    expect((last?.atMs ?? Number.POSITIVE_INFINITY) - committedAtMs).toBeLessThan(WITHIN_MS);
    await poll('everything is told', async () => stream.events.at(-1)?.data.alerts.length === 1);
    const now = stream.events.at(-1)?.data;
    expect(now).toMatchObject({
      balanceKrw: (before?.balanceKrw ?? 0) - 850,
      spentTodayKrw: 850,
      clicksToday: 1,
      campaigns: [{ campaignId: 'cmp_1', state: 'low', spentTodayKrw: 850, remainingTodayKrw: 150 }],
      alerts: [{ template: 'daily_budget_reached', subject: expect.stringContaining('80%') }],
    });
    const summary = await consoleApi.call(`${OWN}/summary`, { token });
    expect(summary.body).toEqual({ ...now, campaigns: expect.anything() });
    const ids = stream.events.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    stream.close();
  });

  test('who comes back with the last event’s id is told only what is new', async () => {
    const first = await open(`${OWN}/live`);
    await has(first, 1);
    first.close();
    const lastEventId = first.events.at(-1)?.id ?? '';
    const again = await open(`${OWN}/live`, { 'last-event-id': lastEventId });
    await spend(60);
    await has(again, 1);
    expect(again.events[0]?.id).not.toBe(lastEventId);
    expect(again.events[0]?.data.spentTodayKrw).toBe(910);
    again.close();
  });

  test('a stream ends when the process drains, so that the drain is not held up', async () => {
    const stream = await open(`${OWN}/live`);
    await has(stream, 1);
    const startedAtMs = Date.now();
    draining.abort();
    await server.close();
    await poll('the stream has ended', async () => stream.ended);
    expect(Date.now() - startedAtMs).toBeLessThan(CUT_AFTER_MS - 100);
  });

  test('a person may listen so many times and no more; a closed one makes room', async () => {
    const streams = await Promise.all(
      Array.from({ length: LISTENERS_PER_PERSON }, () => open(`${OWN}/live`)),
    );
    expect(streams.map((stream) => stream.response.status)).toEqual(streams.map(() => 200));
    const tooMany = await open(`${OWN}/live`);
    expect([tooMany.response.status, tooMany.response.headers.get('retry-after')]).toEqual([429, '30']);
    streams[0]?.close();
    await poll('there is room again', async () => {
      const next = await open(`${OWN}/live`);
      next.close();
      return next.response.status === 200;
    });
    for (const stream of streams) stream.close();
  });

  test.each(['/live', '/summary', '/alert-settings'])('%s of another advertiser: 404', async (part) => {
    for (const id of ['adv_rival', 'adv_none']) {
      const answer = await consoleApi.call(`/v1/advertisers/${id}${part}`, { token });
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    }
  });

  test('without a session there is no stream', async () => {
    expect((await consoleApi.call(`${OWN}/live`)).status).toBe(401);
  });
});

describe('alert settings', () => {
  const put = (body: unknown, id = 'adv_own') =>
    consoleApi.call(`/v1/advertisers/${id}/alert-settings`, { method: 'PUT', token, body });
  const settings = {
    dailyBudgetPercents: [90, 40],
    totalBudgetPercents: [],
    lowBalanceDays: null,
    lowBalanceKrw: 50_000,
  };
  const stored = async () =>
    (await consoleApi.owner.query('SELECT count(*)::int AS n FROM alert_settings')).rows[0]?.n;

  test.each([
    [{ ...settings, lowBalanceDays: 3 }, 'body.lowBalanceKrw'],
    [{ ...settings, lowBalanceKrw: 0 }, 'body.lowBalanceKrw'],
    [{ ...settings, lowBalanceKrw: 1.5 }, 'body.lowBalanceKrw'],
    [{ ...settings, lowBalanceKrw: null, lowBalanceDays: 31 }, 'body.lowBalanceDays'],
    [{ ...settings, dailyBudgetPercents: [0] }, 'body.dailyBudgetPercents.0'],
    [{ ...settings, dailyBudgetPercents: [101] }, 'body.dailyBudgetPercents.0'],
    [{ ...settings, dailyBudgetPercents: [50, 50] }, 'body.dailyBudgetPercents'],
    [
      { ...settings, totalBudgetPercents: Array.from({ length: 11 }, (_, n) => n + 1) },
      'body.totalBudgetPercents',
    ],
    [{ ...settings, advertiserId: 'adv_rival' }, 'body.advertiserId'],
    [{}, 'body.dailyBudgetPercents'],
  ])('%j is refused at %s, and nothing is written', async (body, field) => {
    const answer = await put(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toContain(field);
    expect(await stored()).toBe(0);
  });

  test('of another advertiser cannot be set', async () => {
    expect((await put(settings, 'adv_rival')).status).toBe(404);
    expect(await stored()).toBe(0);
  });

  test('are the defaults until somebody sets them, and then what was set', async () => {
    const before = await consoleApi.call(`${OWN}/alert-settings`, { token });
    expect(before.body).toEqual({
      dailyBudgetPercents: [50, 80, 100],
      totalBudgetPercents: [80, 100],
      lowBalanceDays: 3,
      lowBalanceKrw: null,
    });
    const answer = await put(settings);
    expect(answer.body).toEqual({ ...settings, dailyBudgetPercents: [40, 90] });
    expect((await consoleApi.call(`${OWN}/alert-settings`, { token })).body).toEqual(answer.body);
  });
});
