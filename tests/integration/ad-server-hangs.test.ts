import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adsServedSchema } from '../../contracts/events/ad-events.js';
import { API_SCOPES } from '../../domain/access.js';
import { type CutLine, cuttableLine, kafkaLine, through } from '../support/cuttable-line.js';
import { poll, quantile, STALL_MS } from '../support/poll.js';
import { servedAdsOf } from '../support/served-ads.js';
import { connectShop, newDevice, type Shop, type ShopClick } from '../support/shop.js';
import {
  insertApiKey,
  rankedAd,
  startTestAdServer,
  type TestAdServer,
  untilReady,
} from './ad-server-harness.js';
import { AdServerWorld, newCategory } from './ad-server-world.js';

/**
 * A store that hangs is harder than one that is gone: connections stay and nobody answers. Row by row what is declared
 * for the time without PostgreSQL, Redis or Kafka, and how soon all is as before.
 */
const BACK_WITHIN_MS = 2_000;
/** Of a machine that runs all tests at once: what is looked at is that nobody waits for the store. */
const AT_ONCE_MS = 500;
/** Messages lost with a connection are found after half a minute: what is heard so soon was heard. */
const HEARD_WITHIN_MS = 1_000 + STALL_MS;
const UNKNOWN_CLICK = '01930000-0000-7000-8000-000000000000';

let redisLine: CutLine;
let databaseLine: CutLine;
let world: AdServerWorld;

beforeAll(async () => {
  redisLine = await cuttableLine();
  databaseLine = await cuttableLine();
  world = await AdServerWorld.open((config) => ({
    ...config,
    REDIS_URL: through(redisLine, config.REDIS_URL),
    DATABASE_URL: through(databaseLine, config.DATABASE_URL),
  }));
});
afterAll(async () => {
  await world.close();
  await redisLine.cut();
  await databaseLine.cut();
});

interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter: string | null;
  readonly ms: number;
}

async function ask(
  path: string,
  key: string,
  init: RequestInit = {},
  url = world.server.url,
): Promise<Answer> {
  const startedAt = performance.now();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await fetch(new URL(path, url), { ...init, headers });
  const body = (await answer.json()) as { code?: unknown };
  return {
    status: answer.status,
    code: body.code,
    retryAfter: answer.headers.get('retry-after'),
    ms: performance.now() - startedAt,
  };
}

const HOME = '/v1/ads?placement=HOME&deviceId=d';
const newKey = () => insertApiKey(world.database.ownerPool, world.config.HASH_KEY, API_SCOPES);
const lookUp = () => ask(`/v1/clicks/${UNKNOWN_CLICK}`, world.apiKey);

/** How long until it is so; fails when that is more than promised, on a machine that may stall. */
async function measured(what: string, isSo: () => Promise<boolean>, withinMs = BACK_WITHIN_MS) {
  const startedAt = performance.now();
  await poll(what, isSo, withinMs + STALL_MS);
  process.stdout.write(`${what} after ${Math.round(performance.now() - startedAt)} ms\n`);
}

/** A page's ads, and clicks on them. */
async function servedPage(name: string, ads: number, shop: Shop = world.shop) {
  const category = newCategory();
  const names = Array.from({ length: ads }, (_, index) => `${name}-${index}`);
  const ranking = names.map((one, index) => rankedAd(one, 900 - index));
  await world.writer.write('CATEGORY', category, ranking);
  const shown = names.slice(0, 5).map((one) => `ad_${one}`);
  await world.untilShown(category, shown, undefined, shop);
  const deviceId = newDevice();
  const { body } = await shop.ads({ placement: 'CATEGORY', category, deviceId, maxAds: ads });
  const clicks = names.map((one) => ({ clickToken: body.clickToken, adId: `ad_${one}`, deviceId }));
  return { category, shown, clicks };
}

async function expectServed(category: string, shown: readonly string[], shop: Shop = world.shop) {
  const answers = [];
  for (let n = 0; n < 200; n += 1)
    answers.push(await shop.ads({ placement: 'CATEGORY', category, deviceId: newDevice() }));
  for (const { status, body } of answers)
    expect([status, body.ads.map(({ adId }) => adId)]).toEqual([200, shown]);
  const tookMs = answers.map(({ ms }) => ms);
  process.stdout.write(
    `200 ad queries: p50 ${quantile(tookMs, 0.5).toFixed(1)}, p99 ${quantile(tookMs, 0.99).toFixed(1)} ms\n`,
  );
  // One after the other: whoever waits for the store waits each time, a machine that stalls delays a few.
  expect(quantile(tookMs, 0.9)).toBeLessThan(AT_ONCE_MS);
}

/** Most of them within the time that a click may wait: a machine that stalls delays one or two. */
async function expectAccepted(clicks: readonly ShopClick[], waitsMs: number) {
  const answers = [];
  for (const click of clicks) answers.push(await world.shop.click(click));
  expect(answers.map(({ status }) => status)).toEqual(clicks.map(() => 202));
  const tookMs = answers.map(({ ms }) => ms);
  expect(quantile(tookMs, 0.5)).toBeLessThan(waitsMs + AT_ONCE_MS);
}

describe.each<[string, () => unknown, () => unknown]>([
  ['hangs', () => databaseLine.hang(), () => databaseLine.flow()],
  ['is gone', () => databaseLine.cut(), () => databaseLine.mend()],
])('while PostgreSQL %s', (how, lose, bringBack) => {
  it('ads and clicks go on, look-ups and new keys are told to come back in time, and do', async () => {
    const { category, shown, clicks } = await servedPage(`db-${how.replace(' ', '-')}`, 6);
    const strangers = await newKey();
    expect(await lookUp()).toMatchObject({ status: 404 });
    await lose();
    try {
      await expectServed(category, shown);
      await expectAccepted(clicks.slice(0, 5), 200);
      const unavailable = { status: 503, code: 'dependency_unavailable', retryAfter: '1' };
      const answers = await Promise.all([
        lookUp(),
        ask(HOME, strangers),
        ask('/v1/clicks', strangers, { method: 'POST', body: '{}' }),
        ...Array.from({ length: 150 }, lookUp),
      ]);
      for (const answer of answers) expect(answer).toMatchObject(unavailable);
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(1_000 + AT_ONCE_MS + STALL_MS);
      await expectServed(category, shown);
    } finally {
      await bringBack();
    }
    await measured('clicks are looked up', async () => (await lookUp()).status === 404);
    await measured('a new key is known', async () => (await ask(HOME, strangers)).status === 200);
  });
});

const rankingsCurrent = async () => (await world.server.process.ready()).detail.rankingsCurrent === true;

async function stopInDatabase(name: string): Promise<void> {
  await world.database.ownerPool.query(
    `INSERT INTO serving_stop (scope, id, stopped, reason, version, updated_at)
     VALUES ('campaign', $1, true, 'balance_exhausted', nextval('serving_stop_version'), now())`,
    [`cmp_${name}`],
  );
}

describe('while Redis hangs', () => {
  it('no query waits for it, a stop in PostgreSQL takes ads out, and messages are heard again afterwards', async () => {
    const { category, shown, clicks } = await servedPage('hung', 6);
    redisLine.hang();
    try {
      await expectServed(category, shown);
      await expectAccepted(clicks.slice(1, 6), 100 + 200);
      await stopInDatabase('hung-0');
      const rest = clicks.slice(1).map(({ adId }) => adId);
      // A second until a hung Redis counts as lost, half a one for the poll.
      await world.untilShown(category, rest, 2_000 + STALL_MS);
    } finally {
      redisLine.flow();
    }
    await measured('rankings are current', rankingsCurrent);
    await world.writer.stop({ scope: 'campaign', id: 'cmp_hung-1', version: 1_000_000 });
    const rest = clicks.slice(2).map(({ adId }) => adId);
    await world.untilShown(category, rest, HEARD_WITHIN_MS);
  });

  it('longer than its connections live, it is followed again as soon as it answers', async () => {
    const { category, clicks } = await servedPage('long-hung', 6);
    const before = redisLine.connections();
    redisLine.hang();
    try {
      await poll('connections were replaced', async () => redisLine.connections() >= before + 2);
      expect(
        (await world.shop.ads({ placement: 'CATEGORY', category, deviceId: 'd' })).body.ads,
      ).toHaveLength(5);
    } finally {
      redisLine.flow();
    }
    await measured('rankings are current', rankingsCurrent);
    await world.writer.stop({ scope: 'campaign', id: 'cmp_long-hung-0', version: 1_000_001 });
    const rest = clicks.slice(1).map(({ adId }) => adId);
    await world.untilShown(category, rest, HEARD_WITHIN_MS);
  });
});

describe('a Redis that moved and whose old machine vanished without a word', () => {
  it('is found within some seconds, and every message of it is heard again', async () => {
    const { category, clicks } = await servedPage('moved', 6);
    const before = redisLine.connections();
    redisLine.abandon();
    await measured('both connections are new', async () => redisLine.connections() >= before + 2, 7_000);
    await measured('rankings are current', rankingsCurrent);
    await world.writer.stop({ scope: 'campaign', id: 'cmp_moved-0', version: 1_000_002 });
    const rest = clicks.slice(1).map(({ adId }) => adId);
    await world.untilShown(category, rest, HEARD_WITHIN_MS);
  });
});

/** Time enough for what is looked at before, on a machine that stalls. */
const CLICK_PATH_DOWN_AFTER_MS = 15_000;

/** What was asked last before the outage ended is given up after ten seconds, and asked anew. */
const TAKEN_WITHIN_MS = 12_000;

/** An ad server of the same stores whose way to Kafka can be cut. */
async function withKafkaLine(
  name: string,
  run: (server: TestAdServer, shop: Shop, line: CutLine) => Promise<void>,
): Promise<void> {
  const line = await kafkaLine(world.config.KAFKA_BROKERS[0] ?? '');
  const server = await startTestAdServer(
    {
      ...world.config,
      INSTANCE_NAME: `${world.config.INSTANCE_NAME}-${name}`,
      KAFKA_BROKERS: [`127.0.0.1:${line.port}`],
      LOG_LEVEL: 'silent',
    },
    { clickPathDownAfterMs: CLICK_PATH_DOWN_AFTER_MS },
  );
  try {
    await untilReady(server);
    await run(server, connectShop(server.url, world.apiKey), line);
  } finally {
    line.flow();
    await server.stop();
    await line.cut();
  }
}

type ClickBody = Awaited<ReturnType<typeof servedPage>>['clicks'][number];
const sendClick = (server: TestAdServer, click: ClickBody | undefined) =>
  ask(
    '/v1/clicks',
    world.apiKey,
    { method: 'POST', body: JSON.stringify({ clickedAt: new Date().toISOString(), ...click }) },
    server.url,
  );
const DOWN = { status: 503, code: 'click_path_down', retryAfter: '1' };

describe.each<[string, (line: CutLine) => unknown, (line: CutLine) => unknown]>([
  ['hangs', (line) => line.hang(), (line) => line.flow()],
  ['is gone', (line) => line.cut(), (line) => line.mend()],
])('while Kafka %s', (how, lose, bringBack) => {
  it('queries go on for a while, clicks are sent back in time, and nothing that was refused is lost or doubled', async () => {
    const name = `log-${how.replace(' ', '-')}`;
    await withKafkaLine(name, async (server, shop, line) => {
      const { category, shown, clicks } = await servedPage(name, 8, shop);
      expect((await shop.click(clicks[0] ?? never())).status).toBe(202);
      await lose(line);
      const early = await Promise.all(clicks.slice(1, 5).map((click) => sendClick(server, click)));
      for (const answer of early) expect(answer).toMatchObject(DOWN);
      expect(Math.max(...early.map(({ ms }) => ms))).toBeLessThan(2_000 + AT_ONCE_MS + STALL_MS);
      await expectServed(category, shown, shop);
      await poll(
        'Kafka is known to be away',
        async () => (await server.process.ready()).detail.kafka === false,
      );
      const late = [];
      for (const click of clicks.slice(1, 6)) late.push(await sendClick(server, click));
      for (const answer of late) expect(answer).toMatchObject(DOWN);
      const lateMs = late.map(({ ms }) => ms);
      expect(quantile(lateMs, 0.5)).toBeLessThan(AT_ONCE_MS);
      await poll('nothing is served that could not be charged', async () => {
        const { status, body } = await shop.ads({ placement: 'CATEGORY', category, deviceId: 'd' });
        expect(status).toBe(200);
        return body.noFillReason === 'click_path_down';
      });
      expect(await server.metric('ads_served_dropped_total')).toBe(0);
      await bringBack(line);
      await measured('ads are served', async () => {
        const { body } = await shop.ads({ placement: 'CATEGORY', category, deviceId: 'd' });
        return body.ads.length > 0;
      });
      for (const click of clicks.slice(1, 5)) {
        const isTaken = async () => (await sendClick(server, click)).status === 202;
        await measured('a refused click is taken', isTaken, TAKEN_WITHIN_MS);
      }
      const ids = clicks.slice(0, 5).map(({ adId }) => adId);
      await poll('every click is in the log', async () => ids.every((id) => world.clicksOf(id).length > 0));
      for (const id of ids) {
        expect(new Set(world.clicksOf(id).map(({ value }) => value.clickId)).size).toBe(1);
      }
      const wasServed = () =>
        world.eventsOf('ADS_SERVED').reduce((sum, { value }) => {
          const served = servedAdsOf(adsServedSchema.parse(value));
          return sum + served.filter(({ adId }) => adId === shown[0]).length;
        }, 0);
      await poll('what was served meanwhile is in the log', async () => wasServed() >= 200);
    });
  });
});

function never(): never {
  throw new Error('no click');
}

describe('a Kafka that moved and whose old machine vanished without a word', () => {
  it('is found within half a minute', async () => {
    await withKafkaLine('moved', async (server, shop, line) => {
      const { clicks } = await servedPage('log-moved', 6, shop);
      expect((await shop.click(clicks[0] ?? never())).status).toBe(202);
      line.abandon();
      await measured(
        'clicks are taken again',
        async () => (await sendClick(server, clicks[1])).status === 202,
        35_000,
      );
    });
  });
});
