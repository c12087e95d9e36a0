import type { Consumer } from 'kafkajs';
import { HEADER_TYPE, TOPICS } from '../../../contracts/topics.js';
import { createKafka, topicName } from '../../../infra/kafka.js';
import { createLogger } from '../../../infra/log.js';
import { newDevice } from '../../support/shop.js';
import { CATEGORIES, KEYWORDS } from './campaigns.js';
import type { RankLatency } from './context.js';

const MAX_IN_FLIGHT = 100;
const ADS_EACH = 5;
const CLICKED_SHARE = 0.2;
const EVERY_MS = 10;

export interface Visits {
  readonly failures: ReadonlyMap<string, number>;
  readonly made: () => number;
  stop(): Promise<void>;
}

/** Shoppers over HTTP: each asks for ads, sees all of them, and one in five clicks one. Open loop, bounded. */
export function startVisits(world: RankLatency, perSecond: number): Visits {
  const { shop, random, campaigns } = world;
  const failures = new Map<string, number>();
  const running = new Set<Promise<void>>();
  let made = 0;
  let debt = 0;
  const expect = (what: string, isGood: boolean, status: number) => {
    if (!isGood) failures.set(`${what} ${status}`, (failures.get(`${what} ${status}`) ?? 0) + 1);
  };
  const visit = async () => {
    const deviceId = newDevice();
    const { status, body } = await shop.ads({ ...queryOf(random), deviceId, maxAds: ADS_EACH });
    expect('ads', status === 200 && body.ads.length > 0, status);
    if (status !== 200 || body.ads.length === 0) return;
    const { clickToken, ads } = body;
    const views = await shop.views({ clickToken, deviceId, adIds: ads.map((ad) => ad.adId) });
    expect('impressions', views.status === 202 || views.status === 200, views.status);
    const payable = ads.filter((ad) => !campaigns.probes.includes(ad.campaignId));
    const ad = payable[Math.floor(random() * payable.length)];
    made += 1;
    if (ad === undefined || random() >= CLICKED_SHARE) return;
    const click = await shop.click({ clickToken, deviceId, adId: ad.adId });
    expect('click', click.status === 200 || click.status === 202, click.status);
  };
  const timer = setInterval(() => {
    debt = Math.min(perSecond / 10, debt + (perSecond * EVERY_MS) / 1_000);
    for (; debt >= 1 && running.size < MAX_IN_FLIGHT; debt -= 1) {
      const task: Promise<void> = visit()
        .catch((error: unknown) => expect(String(error), false, 0))
        .finally(() => running.delete(task));
      running.add(task);
    }
  }, EVERY_MS);
  return {
    failures,
    made: () => made,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

function queryOf(random: () => number): Readonly<Record<string, string>> {
  const one = (names: readonly string[]) => names[Math.floor(random() * names.length)] ?? '';
  const kind = random();
  if (kind < 0.25) return { placement: 'HOME' };
  if (kind < 0.5) return { placement: 'CATEGORY', category: one(CATEGORIES) };
  return { placement: 'SEARCH', query: one(KEYWORDS) };
}

export interface EventCount {
  /** By type, since the last call. Clock ticks apart. */
  take(): { readonly events: number; readonly ticks: number; readonly seconds: number };
  stop(): Promise<void>;
}

/** Counts what really stands on ad-events, record by record. */
export async function countAdEvents({ business: { config } }: RankLatency): Promise<EventCount> {
  const log = createLogger({ ...config, LOG_LEVEL: 'error' }, 'rank-latency');
  const consumer: Consumer = createKafka(config, log).consumer({
    groupId: `rank-latency-${process.pid}`,
    maxWaitTimeInMs: 100,
  });
  let events = 0;
  let ticks = 0;
  let since = performance.now();
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(config, TOPICS.adEvents), fromBeginning: false });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { headers } of batch.messages) {
        if (String(headers?.[HEADER_TYPE]) === 'CLOCK_TICK') ticks += 1;
        else events += 1;
      }
    },
  });
  return {
    take: () => {
      const now = performance.now();
      const counted = { events, ticks, seconds: (now - since) / 1_000 };
      events = 0;
      ticks = 0;
      since = now;
      return counted;
    },
    stop: () => consumer.disconnect(),
  };
}
