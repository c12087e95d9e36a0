import { createAcceptClick } from '../api/ad-server/accept-click.js';
import { createAcceptImpressions } from '../api/ad-server/accept-impressions.js';
import { createAcceptOrders } from '../api/ad-server/accept-orders.js';
import { createAdServerApp } from '../api/ad-server/app.js';
import { createAuthorise } from '../api/ad-server/authorise.js';
import { createClickLookup } from '../api/ad-server/click-lookups.js';
import { FallbackRankings } from '../api/ad-server/fallback-rankings.js';
import { createFastServer } from '../api/ad-server/fast-server.js';
import { KeyLimits } from '../api/ad-server/key-limits.js';
import { type AdServerMetrics, createAdServerMetrics } from '../api/ad-server/metrics.js';
import { createServeAds } from '../api/ad-server/serve-ads.js';
import { ServingReasons } from '../api/ad-server/serving-reasons.js';
import { VisitPages } from '../api/ad-server/visit-pages.js';
import { listen } from '../api/kit/server.js';
import { TOPICS } from '../contracts/topics.js';
import { BatchingAppender } from '../infra/batching-appender.js';
import { BudgetSignalCopy } from '../infra/budget-signal-copy.js';
import { ClickCounter } from '../infra/click-counters.js';
import { ClickOutcomes } from '../infra/click-outcomes.js';
import { createClickTokens } from '../infra/click-token.js';
import { type BusinessClock, startBusinessClock } from '../infra/clock.js';
import { createKafka, topicName } from '../infra/kafka.js';
import { KafkaLink } from '../infra/kafka-link.js';
import { createPageTokens } from '../infra/page-token.js';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import { RankingCopy } from '../infra/ranking-copy.js';
import { createRedis } from '../infra/redis.js';
import { ServedLog } from '../infra/served-log.js';
import { ServingStopCopy } from '../infra/serving-stop-copy.js';
import { within } from '../infra/within.js';
import { ApiKeyCache } from '../operations/api-key-cache.js';
import { findClick } from '../operations/find-click.js';
import { rankFromDatabase } from '../operations/rank-from-database.js';
import { readStopsSince } from '../operations/read-serving-stops.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import type { ProcessContext, Readiness, RunningProcess } from './process.js';

/** Nothing is served any more once clicks could not be recorded for this long. */
const CLICK_PATH_DOWN_AFTER_MS = 60_000;
const CLICK_QUEUE_CAPACITY = 10_000;
/** Records of up to 200 requests each. */
const SERVED_QUEUE_CAPACITY = 1_000;
/** Seen ads. Apart from ADS_SERVED, so that neither crowds the other out. */
const VIEWED_QUEUE_CAPACITY = 10_000;
/** Order lines; an order has up to 200 of them. */
const ORDER_QUEUE_CAPACITY = 20_000;
const GAUGE_INTERVAL_MS = 1_000;

export interface AdServerOptions {
  readonly clickPathDownAfterMs?: number;
}

/**
 * Ads and clicks. PostgreSQL is needed to start (schema, clock, the first look at a key); Redis and Kafka may come
 * and go at any time.
 */
export async function startAdServer(
  context: ProcessContext,
  options: AdServerOptions = {},
): Promise<RunningProcess> {
  const { config, log } = context;
  const metrics = createAdServerMetrics(context.metrics);
  const pool = createPool(config, (error) => log.warn({ error: error.message }, 'postgres connection lost'));
  await assertSchemaIsCurrent(pool);
  const clock = await startBusinessClock(pool, {
    mustBeReal: config.ADS_ENV === 'production',
    onError: (error) => log.debug({ error: String(error) }, 'clock not refreshed'),
  });
  const stores = openStores(context, pool, clock, metrics);
  const clicks = openClickPath(context, clock, metrics);
  const { app, listener } = createApp(context, options, { pool, clock, metrics, stores, clicks });
  const server = await listen(listener, {
    host: config.HOST,
    port: config.AD_SERVER_PORT,
    log,
    shutdownTimeoutMs: config.SHUTDOWN_TIMEOUT_MS / 2,
    createServer: (handle) => createFastServer(app, handle),
  });
  const gauges = setInterval(() => measure(metrics, stores, clicks), GAUGE_INTERVAL_MS);
  log.info({ url: server.url }, 'ad server listens');
  return {
    name: 'ad-server',
    ready: () => Promise.resolve(readiness(stores, clicks, server.url)),
    stop: async () => {
      clearInterval(gauges);
      await server.close();
      await clicks.close();
      await stores.close();
      clock.stop();
      await pool.end();
    },
  };
}

/** What is read: rankings, stops, money near its end, keys. */
function openStores(
  { config, log }: ProcessContext,
  pool: DatabasePool,
  clock: BusinessClock,
  metrics: AdServerMetrics,
) {
  const redis = createRedis(config.REDIS_URL, log, { failFast: true, batched: true });
  const subscriber = createRedis(config.REDIS_URL, log);
  const rankings = new RankingCopy({ redis, subscriber, log, onBadBlob: badBlob(log, metrics) });
  const stops = new ServingStopCopy({
    redis,
    subscriber,
    redisAnswers: () => rankings.redisAnswers,
    readFromDatabase: (sinceVersion) => readStopsSince(pool, sinceVersion),
    log,
    onBadStop: () => metrics.badStops.inc(),
  });
  const budgets = new BudgetSignalCopy({
    redis,
    subscriber,
    now: clock.now,
    log,
    onBadMessage: () => metrics.badBudgetSignals.inc(),
  });
  const reasons = new ServingReasons({
    redis,
    now: clock.now,
    log,
    onDropped: () => metrics.reasonsDropped.inc(),
  });
  const fallback = new FallbackRankings({
    rank: (placement, target) => rankFromDatabase(pool, placement, target),
    log,
    onResult: (result) => metrics.fallbacks.inc({ result }),
  });
  const keys = new ApiKeyCache({ db: pool, subscriber, hashKey: config.HASH_KEY, log });
  keys.start();
  return {
    redis,
    subscriber,
    rankings,
    stops,
    budgets,
    reasons,
    fallback,
    keys,
    close: async () => {
      await Promise.all([rankings.close(), stops.close(), keys.stop(), reasons.close()]);
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}
type Stores = ReturnType<typeof openStores>;

function badBlob(log: ProcessContext['log'], metrics: AdServerMetrics) {
  return (key: string) => {
    metrics.badBlobs.inc();
    log.warn({ key }, 'this ranking cannot be read; the one held stays');
  };
}

/** What is written: clicks, ADS_SERVED, seen ads and order lines, over one connection but in separate queues. */
function openClickPath({ config, log }: ProcessContext, clock: BusinessClock, metrics: AdServerMetrics) {
  const topic = topicName(config, TOPICS.adEvents);
  const link = new KafkaLink({ kafka: createKafka(config, log), topic, log });
  const appender = new BatchingAppender(link, topic, CLICK_QUEUE_CAPACITY);
  const servedAppender = new BatchingAppender(link, topic, SERVED_QUEUE_CAPACITY);
  const viewed = new BatchingAppender(link, topic, VIEWED_QUEUE_CAPACITY);
  const orders = new BatchingAppender(link, topicName(config, TOPICS.conversionEvents), ORDER_QUEUE_CAPACITY);
  const servedLog = new ServedLog({
    appender: servedAppender,
    now: clock.now,
    onDropped: (requests) => metrics.servedDropped.inc(requests),
  });
  return {
    link,
    appender,
    viewed,
    orders,
    servedLog,
    close: async () => {
      servedLog.close();
      const drained = Promise.all([appender, viewed, orders, servedAppender].map((queue) => queue.drain()));
      // A Kafka that is away takes nothing any more: what it did not confirm was not promised to anybody.
      await within(drained, config.SHUTDOWN_TIMEOUT_MS / 4, null);
      await within(link.close(), config.SHUTDOWN_TIMEOUT_MS / 8, null);
    },
  };
}
type ClickPath = ReturnType<typeof openClickPath>;

interface Parts {
  readonly pool: DatabasePool;
  readonly clock: BusinessClock;
  readonly metrics: AdServerMetrics;
  readonly stores: Stores;
  readonly clicks: ClickPath;
}

function createApp({ config, log }: ProcessContext, options: AdServerOptions, parts: Parts) {
  const { pool, clock, metrics, stores, clicks } = parts;
  const downAfterMs = options.clickPathDownAfterMs ?? CLICK_PATH_DOWN_AFTER_MS;
  const tokens = createClickTokens(config.CLICK_TOKEN_KEYS);
  const common = { tokens, hashKey: config.HASH_KEY, now: clock.now, log, metrics };
  const serveAds = createServeAds({
    ...common,
    rankings: stores.rankings,
    fallback: stores.fallback,
    stops: stores.stops,
    budgets: stores.budgets,
    reasons: stores.reasons,
    pages: new VisitPages(createPageTokens(config.CLICK_TOKEN_KEYS)),
    servedLog: clicks.servedLog,
    isClickPathDown: () => clicks.link.unreachableForMs() > downAfterMs,
  });
  const acceptClick = createAcceptClick({
    ...common,
    counter: new ClickCounter(stores.redis),
    outcomes: new ClickOutcomes({ subscriber: stores.subscriber, instance: config.INSTANCE_NAME, log }),
    appender: clicks.appender,
    link: clicks.link,
    instance: config.INSTANCE_NAME,
    outcomeTimeoutMs: config.CLICK_OUTCOME_TIMEOUT_MS,
  });
  const { link } = clicks;
  const routes = {
    authorise: createAuthorise({
      keys: stores.keys,
      limits: new KeyLimits(config.AD_SERVER_REQUESTS_PER_SECOND),
      onLimited: (scope) => metrics.limited.inc({ scope }),
    }),
    serveAds,
    acceptClick,
    acceptImpressions: createAcceptImpressions({ ...common, appender: clicks.viewed, link }),
    acceptOrders: createAcceptOrders({ ...common, appender: clicks.orders, link }),
    lookUpClick: createClickLookup({
      find: (clickId) => findClick(pool, clickId),
      onError: (error) => log.warn({ error: String(error) }, 'a click could not be looked up'),
    }),
    log,
    metrics,
  };
  return createAdServerApp(routes, log);
}

/** Rankings may come from the database for a while; without stops we would sell what cannot be paid. */
function readiness(stores: Stores, clicks: ClickPath, url: string): Readiness {
  return {
    ok: stores.stops.loaded && clicks.link.reachable,
    detail: {
      url,
      rankings: stores.rankings.size,
      rankingsFrom: stores.rankings.complete ? 'memory' : 'postgres',
      rankingsCurrent: stores.rankings.current,
      stopsLoaded: stores.stops.loaded,
      kafka: clicks.link.reachable,
    },
  };
}

function measure(metrics: AdServerMetrics, stores: Stores, clicks: ClickPath): void {
  metrics.clickQueue.set(clicks.appender.length);
  metrics.orderQueue.set(clicks.orders.length);
  metrics.servedQueue.set(clicks.servedLog.length);
  metrics.rankings.set(stores.rankings.size);
  metrics.stops.set(stores.stops.size);
  metrics.budgetSignals.set(stores.budgets.size);
  metrics.reasonsWaiting.set(stores.reasons.size);
  const ageMs = stores.rankings.ageMs();
  if (Number.isFinite(ageMs)) metrics.rankingAge.set(Math.round(ageMs));
}
