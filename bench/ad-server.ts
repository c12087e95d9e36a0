import { execFile } from 'node:child_process';
import http from 'node:http';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { z } from 'zod';
import { rankedAd } from '../tests/integration/ad-server-harness.js';
import { AdServerWorld, newCategory } from '../tests/integration/ad-server-world.js';
import { quantile } from '../tests/support/poll.js';

/**
 * `GET /v1/ads` (key check, auction over 200 ads, five of them signed, ADS_SERVED to Kafka) against plain
 * `node:http` that answers a constant of the same bytes. Interleaved, so that a noisy machine troubles both alike;
 * the load comes from another process, so that processor time per request can be told apart from waiting. Needs a running stack: its addresses come from the environment.
 */
const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 32;
const RANKED_ADS = 200;

const execFileAsync = promisify(execFile);

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of this process, which holds both servers and nothing of the load. */
  readonly cpuMicros: number;
}

const loadResultSchema = z.object({
  requests: z.object({ average: z.number(), total: z.number() }),
  latency: z.object({ p50: z.number(), p99: z.number() }),
  non2xx: z.number(),
  errors: z.number(),
});

async function load(url: string, apiKey: string): Promise<Figures> {
  const require = createRequire(import.meta.url);
  const program = require.resolve('autocannon');
  const flags = ['-j', '-n', '-c', String(CONNECTIONS), '-d', String(SECONDS)];
  const before = process.cpuUsage();
  const { stdout } = await execFileAsync(process.execPath, [
    program,
    ...flags,
    '-H',
    `authorization=Bearer ${apiKey}`,
    url,
  ]);
  const used = process.cpuUsage(before);
  const { requests, latency, non2xx, errors } = loadResultSchema.parse(JSON.parse(stdout));
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} refused, ${errors} broken`);
  const cpuMicros = (used.user + used.system) / requests.total;
  return { perSecond: requests.average, p50Ms: latency.p50, p99Ms: latency.p99, cpuMicros };
}

async function startRaw(body: Buffer): Promise<{ url: string; server: http.Server }> {
  const server = http.createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
    res.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, server };
}

function report(name: string, all: readonly Figures[]): Figures {
  const median = (pick: (figures: Figures) => number) => quantile(all.map(pick), 0.5);
  const figures = {
    perSecond: Math.round(median((one) => one.perSecond)),
    p50Ms: median((one) => one.p50Ms),
    p99Ms: median((one) => one.p99Ms),
    cpuMicros: Math.round(median((one) => one.cpuMicros)),
  };
  const { perSecond, p50Ms, p99Ms, cpuMicros } = figures;
  const text = `${perSecond} requests/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${cpuMicros} us of processor each`;
  process.stdout.write(`${name.padEnd(12)} ${text}\n`);
  return figures;
}

async function main(): Promise<void> {
  const world = await AdServerWorld.open();
  await world.stopReading();
  const category = newCategory();
  const ads = Array.from({ length: RANKED_ADS }, (_, index) =>
    rankedAd(`${index}`.padStart(16, 'b'), 2_000 - index),
  );
  await world.writer.write('CATEGORY', category, ads);
  await world.untilShown(
    category,
    ads.slice(0, 5).map((ad) => ad.adId),
  );
  const adsUrl = `${world.server.url}/v1/ads?placement=CATEGORY&category=${category}&deviceId=bench-device`;
  const response = await fetch(adsUrl, { headers: { authorization: `Bearer ${world.apiKey}` } });
  const raw = await startRaw(Buffer.from(await response.arrayBuffer()));
  try {
    const rawFigures: Figures[] = [];
    const adsFigures: Figures[] = [];
    await load(adsUrl, world.apiKey);
    for (let round = 0; round < ROUNDS; round += 1) {
      rawFigures.push(await load(raw.url, world.apiKey));
      adsFigures.push(await load(adsUrl, world.apiKey));
    }
    const rawAll = report('node:http', rawFigures);
    const adsAll = report('GET /v1/ads', adsFigures);
    const rate = (adsAll.perSecond / rawAll.perSecond).toFixed(2);
    const cpu = (rawAll.cpuMicros / adsAll.cpuMicros).toFixed(2);
    process.stdout.write(`ratio        ${rate} of the requests, ${cpu} by processor time\n`);
  } finally {
    raw.server.close();
    await world.close();
  }
}

await main();
