import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Metrics } from '../infra/metrics.js';
import { publishServingChanges } from '../operations/publish-serving-changes.js';
import { endExpiredStops, readAllStops, readStopsSince } from '../operations/read-serving-stops.js';
import { relayServingStops } from '../operations/relay-serving-stops.js';

export interface ServingStopRelayDeps {
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly producer: Producer;
  readonly campaignEventsTopic: string;
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const POLL_MS = 500;
const RECONCILE_MS = 30_000;
const NOTIFY_CHANNEL = 'serving_stop';
/** Versions are taken inside transactions, so a lower one may become visible after a higher one. */
const VERSION_OVERLAP = 1_000;

export interface ServingStopRelay {
  /** Milliseconds since PostgreSQL and Redis last agreed. */
  ageMs(): number;
  stop(): Promise<void>;
}

/**
 * Carries stops from PostgreSQL (truth) to Redis (what ad servers read) and to campaign-events (so that
 * stopped ads do not fill the rankings): on NOTIFY, every 500 ms for changed rows, every 30 s for all of them.
 */
export function startServingStopRelay(deps: ServingStopRelayDeps): ServingStopRelay {
  const seen = { version: 0, at: 0, fullAt: 0 };
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const run = async () => {
    try {
      await relayOnce(deps, seen);
    } catch (error) {
      deps.log.warn({ error: String(error) }, 'stops not relayed');
    }
  };
  const wake = () => {
    if (stopped) return;
    if (running !== null) {
      again = true;
      return;
    }
    running = run().finally(() => {
      running = null;
      if (again) {
        again = false;
        wake();
      }
    });
  };
  const timer = setInterval(wake, POLL_MS);
  const listener = listen(deps, wake);
  wake();
  return {
    ageMs: () => (seen.at === 0 ? Number.POSITIVE_INFINITY : Date.now() - seen.at),
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await listener.stop();
      await running;
    },
  };
}

async function relayOnce(
  deps: ServingStopRelayDeps,
  seen: { version: number; at: number; fullAt: number },
): Promise<void> {
  await endExpiredStops(deps.pool);
  const full = Date.now() - seen.fullAt >= RECONCILE_MS;
  const stops = full
    ? await readAllStops(deps.pool)
    : await readStopsSince(deps.pool, Math.max(0, seen.version - VERSION_OVERLAP));
  const fresh = full ? stops : stops.filter((stop) => stop.version > seen.version);
  const newer = await relayServingStops(deps.redis, stops);
  if (newer > 0 || fresh.length > 0) {
    await publishServingChanges(deps, fresh);
    deps.metrics.counter('ads_serving_stops_relayed_total', 'Stops written to Redis').inc(newer);
  }
  for (const stop of stops) seen.version = Math.max(seen.version, stop.version);
  seen.at = Date.now();
  if (full) seen.fullAt = seen.at;
}

/** A connection of its own that LISTENs; reconnects for ever, polling covers the gaps. */
function listen(deps: ServingStopRelayDeps, wake: () => void): { stop(): Promise<void> } {
  let client: pg.Client | null = null;
  let ended = false;
  let retry: NodeJS.Timeout | undefined;

  const connect = async () => {
    if (ended) return;
    const next = new pg.Client(deps.pool.options);
    next.on('notification', wake);
    next.on('error', () => undefined);
    next.on('end', () => {
      client = null;
      if (!ended) retry = setTimeout(() => void connect(), POLL_MS);
    });
    try {
      await next.connect();
      await next.query(`LISTEN ${NOTIFY_CHANNEL}`);
      client = next;
      wake();
    } catch (error) {
      deps.log.debug({ error: String(error) }, 'listen failed; polling goes on');
      await next.end().catch(() => undefined);
    }
  };
  void connect();
  return {
    stop: async () => {
      ended = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
