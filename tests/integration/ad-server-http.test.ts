import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adsServedSchema } from '../../contracts/events/ad-events.js';
import { problemSchema } from '../../contracts/http/problem.js';
import { REDIS_CHANNELS } from '../../contracts/redis-keys.js';
import { API_SCOPES } from '../../domain/access.js';
import { poll, STALL_MS } from '../support/poll.js';
import { servedAdsOf } from '../support/served-ads.js';
import { newDevice } from '../support/shop.js';
import { insertApiKey, rankedAd } from './ad-server-harness.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';

/** What a stranger's client may send, and still be told what is wrong: nothing ends in 500, in HTML or in silence. */
let world: AdServerWorld;
beforeAll(async () => {
  world = await AdServerWorld.open();
});
afterAll(() => world.close());

const HOME = '/v1/ads?placement=HOME&deviceId=d';
const bearer = (key = world.apiKey) => ({ authorization: `Bearer ${key}` });
const ask = (path: string, init: RequestInit = { headers: bearer() }) =>
  fetch(new URL(path, world.server.url), init);

interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Everything that the server says to these bytes until it hangs up, or until so many answers are there. */
function say(text: string, options: { answers?: number; halfClose?: boolean } = {}): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(world.server.url);
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(Number(port), hostname, () =>
      options.halfClose ? socket.end(text, 'latin1') : socket.write(text, 'latin1'),
    );
    socket.setTimeout(10_000, () => {
      socket.destroy();
      reject(new Error(`the server neither answered nor hung up; it said ${JSON.stringify(heard)}`));
    });
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
      if (options.answers !== undefined && answersIn(heard).length >= options.answers) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answersIn(heard)));
  });
}

/** Whole answers with a content-length, one after the other. */
function answersIn(text: string): RawAnswer[] {
  const found: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    const headers = rest.slice(0, end);
    const length = Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? 0);
    if (end < 0 || rest.length < end + 4 + length) return found;
    found.push({ status: Number(rest.slice(9, 12)), headers, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
}

const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer ${world.apiKey}\r\n${more}\r\n`;
const problemOf = ({ body }: RawAnswer) => problemSchema.parse(JSON.parse(body));

describe('bytes that are hardly a request', () => {
  it.each([
    ['no HTTP at all', () => 'hello\r\n\r\n', 400, 'malformed_request'],
    ['headers of 20 kB', () => get(HOME, `x-much: ${'x'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
    ['an address of 20 kB', () => get(`${HOME}&query=${'x'.repeat(20_000)}`), 431, 'headers_too_large'],
    ['a host that is none', () => get('http://[/v1/ads'), 400, 'malformed_request'],
    ['a host with a broken escape', () => get('http://a%zz/v1/ads'), 400, 'malformed_request'],
    ['a line break in a header', () => get(HOME, 'x-a: b\rc: d\r\n'), 400, 'malformed_request'],
    ['two lengths', () => get(HOME, 'content-length: 1\r\ncontent-length: 2\r\n'), 400, 'malformed_request'],
  ])('%s is told as a problem', async (_, text, status, code) => {
    const answers = await say(text());
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    expect(answer?.status).toBe(status);
    expect(answer?.headers).toContain('application/problem+json');
    const problem = answer && problemOf(answer);
    expect(problem).toMatchObject({ status, code });
    expect(problem?.nextStep).not.toBe('');
    expect(answer?.headers).toContain(`x-correlation-id: ${problem?.correlationId}`);
  });

  it.each([
    ['an address with its host', () => get(`http://shop${HOME}`), 200],
    ['all of the server', () => get('*').replace('GET', 'OPTIONS'), 404],
    ['a path with a broken escape', () => get('/v1/clicks/%zz'), 400],
    ['an unknown method', () => get(HOME).replace('GET', 'PROPFIND'), 405],
    ['a question what is possible', () => get(HOME).replace('GET', 'OPTIONS'), 405],
  ])('%s has its answer, too', async (_, text, status) => {
    const [answer] = await say(text(), { answers: 1 });
    expect(answer?.status).toBe(status);
    expect(answer?.headers).toMatch(/content-type: application\/(problem\+)?json/i);
  });
});

describe('one connection', () => {
  it('answers everything that is sent at once, in order, also after refusals', async () => {
    const wrong = HOME.replace('HOME', 'MOON');
    const slow = HOME.replace('?', '/?');
    const answers = await say([HOME, wrong, slow, '/v1/nothing', HOME].map((path) => get(path)).join(''), {
      answers: 5,
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 404, 200]);
  });

  it('is not lost to a body that a query does not have', async () => {
    const body = 'GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n';
    const answers = await say(get(HOME, `content-length: ${body.length}\r\n`) + body + get(HOME), {
      answers: 2,
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('whose sender has finished speaking still gets its answer', async () => {
    const answers = await say(get(HOME), { halfClose: true });
    expect(answers.map(({ status }) => status)).toEqual([200]);
  });
});

describe('both ways to the ads', () => {
  const twice = async (path: string, init?: RequestInit) =>
    Promise.all([ask(path, init), ask(path.replace('?', '/?'), init)]);

  it.each([
    ['placement=HOME&deviceId=d?a=1&maxAds=21', ['query.maxAds']],
    ['placement=HOME&deviceId=a&deviceId=b', ['query.deviceId']],
    ['placement=HOME&deviceId=d&constructor=1', ['query.constructor']],
    ['placement=HOME&deviceId=d&=1', ['query.']],
    ['placement=CATEGORY&deviceId=d&category=a%00b', ['query.category']],
    ['placement=HOME&deviceId=%', []],
    ['placement=HOME&deviceId=%ff%fe', []],
    [`placement=HOME&deviceId=d${'&'.repeat(2_000)}`, []],
  ])('read %s alike', async (query, fields) => {
    for (const answer of await twice(`/v1/ads?${query}`)) {
      expect(answer.status).toBe(fields.length === 0 ? 200 : 400);
      const body = (await answer.json()) as { errors?: { field: string }[] };
      expect((body.errors ?? []).map(({ field }) => field)).toEqual(fields);
    }
  });

  it('say how to present a key, and take it in any usual spelling', async () => {
    for (const answer of await twice(HOME, {})) {
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    for (const authorization of [`bearer ${world.apiKey}`, `BEARER  ${world.apiKey}`]) {
      const answers = await twice(HOME, { headers: { authorization } });
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    }
    const report = await ask('/v1/clicks', { method: 'POST' });
    expect([report.status, report.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('refuse a key that was revoked while they knew it', async () => {
    const key = await insertApiKey(world.database.appPool, world.config.HASH_KEY, API_SCOPES);
    const keyId = `key_${key.slice(3, key.indexOf('.'))}`;
    for (let time = 0; time < 3; time += 1) {
      const known = await twice(HOME, { headers: bearer(key) });
      expect(known.map(({ status }) => status)).toEqual([200, 200]);
    }
    await world.database.appPool.query('UPDATE api_key SET revoked_at = now() WHERE id = $1', [keyId]);
    await world.writer.redis.publish(REDIS_CHANNELS.apiKeyRevoked, keyId);
    const refused = async () => {
      const answers = await twice(HOME, { headers: bearer(key) });
      return answers.every(({ status }) => status === 401);
    };
    // By the message: without it a known key is asked for again after half a minute.
    await poll('the revoked key is refused', refused, 1_000 + STALL_MS);
  });
});

it('asked for its headers alone no ad is served', async () => {
  const category = newCategory();
  await world.writer.write('CATEGORY', category, [rankedAd('headers', 500)]);
  await world.untilShown(category, ['ad_headers']);
  const path = `/v1/ads?placement=CATEGORY&category=${category}&deviceId=${newDevice()}`;
  const servedOf = async () => {
    const { body } = await world.shop.ads({ placement: 'CATEGORY', category, deviceId: newDevice() });
    return poll('ADS_SERVED of the last request', () => {
      const served = world
        .eventsOf('ADS_SERVED')
        .flatMap((record) => servedAdsOf(adsServedSchema.parse(record.value)))
        .filter(({ adId }) => adId === 'ad_headers');
      return Promise.resolve(served.some((ad) => ad.requestId === body.requestId) && served.length);
    });
  };
  const before = await servedOf();
  const answer = await ask(path, { method: 'HEAD', headers: bearer() });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
  expect(await servedOf()).toBe(before + 1);
});

type Body = NonNullable<RequestInit['body']>;

describe('a body that is not what it says', () => {
  const post = (body: Body, headers: Record<string, string>) =>
    ask('/v1/clicks', {
      method: 'POST',
      body,
      headers: { ...bearer(), 'content-type': 'application/json', ...headers },
    });
  it.each<[string, Body, Record<string, string>, number]>([
    ['is not compressed', '{"clickToken":"x"}', { 'content-encoding': 'gzip' }, 400],
    [
      'is compressed and cut off',
      gzipSync('{"clickToken":"x"}').subarray(0, 20),
      { 'content-encoding': 'gzip' },
      400,
    ],
    ['has another encoding', '{}', { 'content-encoding': 'rot13' }, 415],
    ['has another alphabet', '{}', { 'content-type': 'application/json; charset=klingon' }, 415],
    ['swells to a thousand times', gzipSync(' '.repeat(1_000_000)), { 'content-encoding': 'gzip' }, 413],
    ['is too deep', '['.repeat(8_000), {}, 400],
    ['is a list', '[]', {}, 400],
  ])('and %s: is refused with a next step', async (_, body, headers, status) => {
    const answer = await post(body, headers);
    const problem = problemSchema.parse(await answer.json());
    expect([answer.status, problem.nextStep === '']).toEqual([status, false]);
  });
});

describe('both ways to the clicks', () => {
  const click = { clickToken: 'x'.repeat(40), adId: 'a', deviceId: 'd', clickedAt: '2026-11-23T00:00:00Z' };
  it.each<[string, string, number, string]>([
    ['a forged token', JSON.stringify(click), 400, 'forged_click_token'],
    ['a field too many', JSON.stringify({ ...click, priceKrw: 1 }), 400, 'invalid_request'],
    ['another type', JSON.stringify({ ...click, adId: 1 }), 400, 'invalid_request'],
    ['no field', '{}', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['nothing', 'null', 400, 'malformed_json'],
    ['a text', '"x"', 400, 'malformed_json'],
    ['half of an object', '{"adId":', 400, 'malformed_json'],
    ['no UTF-8', '{"adId":"\u00ff', 400, 'malformed_json'],
    ['a key of the prototype', `{"__proto__":1,${JSON.stringify(click).slice(1)}`, 400, 'invalid_request'],
  ])('answer %s alike', async (_, body, status, code) => {
    const answers = await Promise.all(
      ['/v1/clicks', '/v1/clicks/'].map((path) =>
        ask(path, { method: 'POST', body, headers: { ...bearer(), 'content-type': 'application/json' } }),
      ),
    );
    const told = await Promise.all(
      answers.map(async (answer) => {
        const { correlationId, ...problem } = problemSchema.parse(await answer.json());
        const { 'x-correlation-id': id, date: _date, ...headers } = Object.fromEntries(answer.headers);
        expect(id).toBe(correlationId);
        return { problem, headers };
      }),
    );
    expect(told[0]?.problem).toMatchObject({ status, code });
    expect(told[1]).toEqual(told[0]);
  });

  it('keep the correlation id that they are given, and no other', async () => {
    for (const path of ['/v1/clicks', '/v1/clicks/']) {
      const given = async (id: string) => {
        const headers = { ...bearer(), 'content-type': 'application/json', 'x-correlation-id': id };
        return (await ask(path, { method: 'POST', body: '{}', headers })).headers.get('x-correlation-id');
      };
      expect(await given('shop-request-1')).toBe('shop-request-1');
      expect(await given('x"}, {"a": 1')).not.toContain('"');
    }
  });
});
