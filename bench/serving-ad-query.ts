import express from 'express';
import { createLogger } from '../infra/log.js';
import { createRedis } from '../infra/redis.js';
import { rankedAd } from '../tests/integration/ad-server-harness.js';
import { AdServerWorld, newCategory } from '../tests/integration/ad-server-world.js';
import { type BenchRow, isReached } from './bench-row.js';
import { httpLoad, serve } from './http-load.js';
import { profileOf } from './profile.js';
import { medianRatio, type Paired, pairedRounds, sideText } from './rounds.js';

/**
 * `GET /v1/ads` with everything on (key, rate limit, strict parameters, targeting, auction over 200 ads, token of five
 * ads, next page, ADS_SERVED to Kafka, metrics) against what a request costs at least, and against what one writes
 * first. All servers run in this process, the load in another.
 */
const SECONDS = 2;
const WARM_UP_SECONDS = 8;
const PROFILED_SECONDS = 6;
const RANKED_ADS = 200;

export async function benchAdQuery(): Promise<BenchRow[]> {
  const world = await AdServerWorld.open();
  try {
    await world.stopReading();
    const { url, body } = await askedForAds(world);
    const ads = (seconds = SECONDS) => httpLoad({ url, apiKey: world.apiKey, seconds });
    await ads(WARM_UP_SECONDS);
    const rows = [await againstNode(ads, world.apiKey, body), await againstExpress(ads, world, body)];
    if (rows.every(isReached)) return rows;
    const profile = await profileOf(() => ads(PROFILED_SECONDS));
    return rows.map((each, index) => (index === 0 ? { ...each, profile } : each));
  } finally {
    await world.close();
  }
}

/** A category full of ads, half of them for phones only, and the answer that the query gets. */
async function askedForAds(world: AdServerWorld): Promise<{ url: string; body: Buffer }> {
  const category = newCategory();
  const targeting = JSON.stringify({
    deviceTypes: ['mobile'],
    daysOfWeek: [],
    hours: [],
    regions: [],
    segments: [],
  });
  const ads = Array.from({ length: RANKED_ADS }, (_, index) =>
    rankedAd(`${index}`.padStart(16, 'b'), 2_000 - index, index % 2 === 0 ? { targeting } : {}),
  );
  await world.writer.write('CATEGORY', category, ads);
  const shown = ads.filter((ad) => ad.targeting === undefined).slice(0, 5);
  await world.untilShown(
    category,
    shown.map((ad) => ad.adId),
  );
  const query = `placement=CATEGORY&category=${category}&deviceId=bench-device&deviceType=mobile&region=KR-11`;
  const url = `${world.server.url}/v1/ads?${query}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${world.apiKey}` } });
  return { url, body: Buffer.from(await response.arrayBuffer()) };
}

type AdsLoad = () => ReturnType<typeof httpLoad>;

async function againstNode(ads: AdsLoad, apiKey: string, body: Buffer): Promise<BenchRow> {
  const { url, server } = await serve((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
    res.end(body);
  });
  try {
    const pairs = await pairedRounds(ads, () => httpLoad({ url, apiKey, seconds: SECONDS }));
    return row('node:http with a constant of the same bytes', pairs, 0.4, body.length);
  } finally {
    server.close();
  }
}

/** What one writes first: stock Express, one GET of Redis per request, parsed and written as JSON again. */
async function againstExpress(
  ads: AdsLoad,
  { config, apiKey }: AdServerWorld,
  body: Buffer,
): Promise<BenchRow> {
  const redis = createRedis(config.REDIS_URL, createLogger(config, 'bench'));
  await redis.set('bench:answer', body);
  const app = express();
  app.get('/v1/ads', async (req, res) => {
    const text = await redis.get('bench:answer');
    res.json({ ...JSON.parse(text ?? '{}'), placement: req.query.placement });
  });
  const { url, server } = await serve(app);
  try {
    const address = `${url}/v1/ads?placement=CATEGORY&category=c&deviceId=bench-device`;
    const pairs = await pairedRounds(ads, () => httpLoad({ url: address, apiKey, seconds: SECONDS }));
    return row('stock Express, one Redis GET, JSON', pairs, 3, body.length);
  } finally {
    server.close();
    redis.disconnect();
  }
}

function row(against: string, pairs: Paired, atLeast: number, bytes: number): BenchRow {
  const cpu = medianRatio(pairs, ({ cpuMicros }) => cpuMicros ?? Number.NaN);
  return {
    what: `ad query, ${bytes} bytes, five ads of ${RANKED_ADS}`,
    against,
    ratio: medianRatio(pairs, ({ perSecond }) => perSecond),
    target: { atLeast },
    unit: 'x',
    details: `own: ${sideText(pairs.own)}; other: ${sideText(pairs.other)}; processor time per request ${cpu.toFixed(2)} x`,
  };
}
