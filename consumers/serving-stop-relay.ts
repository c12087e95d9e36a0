import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ServingStop, servingStopField } from '../contracts/serving-stop.js';
import type { Metrics } from '../infra/metrics.js';
import { publishServingChanges } from '../operations/publish-serving-changes.js';
import { endExpiredStops, readAllStops, readStopsSince } from '../operations/read-serving-stops.js';
import { relayServingStops } from '../operations/relay-serving-stops.js';
import { SERVING_STOP_CHANNEL } from '../operations/serving-stops.js';
import { type Lane, startLane } from './lane.js';

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
/** Versions are drawn inside transactions, so a lower one may become visible after a higher one. */
const VERSION_OVERLAP = 1_000;
/**
 * At midnight, and after a start, thousands of stops are to be carried at once. They go in parts with a pause, so that
 * no statement is long, the ranking is not asked to do a day's changes in one breath, and a stop that is urgent now
 * waits for one part at most: some 1,000 a second.
 */
const PART = 200;
const PAUSE_MS = 200;

export interface ServingStopRelay {
  /** Milliseconds since PostgreSQL and Redis last agreed. */
  ageMs(): number;
  stop(): Promise<void>;
}

/**
 * Carries stops from PostgreSQL (truth) to Redis (what ad servers read) and to campaign-events (so that stopped ads
 * do not fill the rankings): on NOTIFY, every 500 ms for changed rows, every 30 s for all of them. Two lanes, so
 * that a slow Kafka never holds up Redis.
 */
export function startServingStopRelay(deps: ServingStopRelayDeps): ServingStopRelay {
  const toRedis = new StopReader(deps.pool);
  const toRanking = new StopReader(deps.pool);
  // A Redis that comes back may be empty: everything is written again.
  deps.redis.on('ready', () => toRedis.startOver());
  const pending = new Map<string, ServingStop>();
  const lanes: Lane[] = [
    inParts({ everyMs: POLL_MS, log: deps.log, what: 'stops to Redis' }, () => relayToRedis(deps, toRedis)),
    inParts({ everyMs: POLL_MS, log: deps.log, what: 'stops to the ranking' }, () =>
      relayToRanking(deps, toRanking, pending),
    ),
  ];
  const listener = listen(deps, () => {
    for (const lane of lanes) lane.wake();
  });
  return {
    ageMs: () => toRedis.ageMs(),
    stop: async () => {
      await listener.stop();
      await Promise.all(lanes.map((lane) => lane.stop()));
    },
  };
}

/**
 * A lane whose work says whether there is more of it; then it goes on after a pause. Nothing shortens the pause: the
 * end of each part of a midnight is notified too, and would else wake the lane for the next one at once.
 */
function inParts(options: Parameters<typeof startLane>[0], work: () => Promise<boolean>): Lane {
  let more: NodeJS.Timeout | undefined;
  const lane = startLane(options, async () => {
    if (more || !(await work())) return;
    more = setTimeout(() => {
      more = undefined;
      lane.wake();
    }, PAUSE_MS);
  });
  return {
    wake: lane.wake,
    stop: async () => {
      await lane.stop();
      clearTimeout(more);
    },
  };
}

async function relayToRedis(deps: ServingStopRelayDeps, reader: StopReader): Promise<boolean> {
  const ended = await endExpiredStops(deps.pool, PART);
  await reader.read(async (stops) => {
    const newer = await relayServingStops(deps.redis, stops);
    deps.metrics.counter('ads_serving_stops_relayed_total', 'Stops written to Redis').inc(newer);
  });
  return ended === PART;
}

/** The newest first: what has just been exhausted does not wait for what a midnight or a start brought along. */
async function relayToRanking(
  deps: ServingStopRelayDeps,
  reader: StopReader,
  pending: Map<string, ServingStop>,
): Promise<boolean> {
  await reader.read((stops) => {
    for (const stop of stops) if (reader.isNew(stop)) pending.set(servingStopField(stop), stop);
    return Promise.resolve();
  });
  const part = [...pending.values()].sort((a, b) => b.version - a.version).slice(0, PART);
  await publishServingChanges(deps, part);
  for (const stop of part) {
    reader.done(stop);
    pending.delete(servingStopField(stop));
  }
  deps.metrics
    .gauge('ads_serving_changes_pending', 'Stops that the ranking is still to hear of')
    .set(pending.size);
  return part.length === PART;
}

/** What one lane has carried: per stop the newest version, so that a row that became visible late is not missed. */
class StopReader {
  readonly #pool: pg.Pool;
  readonly #carried = new Map<string, number>();
  #version = 0;
  #fullAt = 0;
  #at = 0;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  ageMs(): number {
    return this.#at === 0 ? Number.POSITIVE_INFINITY : Date.now() - this.#at;
  }

  startOver(): void {
    this.#fullAt = 0;
  }

  isNew(stop: ServingStop): boolean {
    return stop.version > (this.#carried.get(servingStopField(stop)) ?? 0);
  }

  done(stop: ServingStop): void {
    this.#carried.set(servingStopField(stop), stop.version);
  }

  /** Reads what may have changed, hands it to `carry`, and remembers it only when that succeeded. */
  async read(carry: (stops: readonly ServingStop[]) => Promise<void>): Promise<void> {
    const full = Date.now() - this.#fullAt >= RECONCILE_MS;
    const startedAt = Date.now();
    const stops = full
      ? await readAllStops(this.#pool)
      : await readStopsSince(this.#pool, Math.max(0, this.#version - VERSION_OVERLAP));
    await carry(stops);
    for (const stop of stops) this.#version = Math.max(this.#version, stop.version);
    this.#at = Date.now();
    if (full) this.#fullAt = startedAt;
  }
}

/** A connection of its own that LISTENs; reconnects for ever, polling covers the gaps. */
function listen(deps: ServingStopRelayDeps, wake: () => void): { stop(): Promise<void> } {
  let client: pg.Client | null = null;
  let ended = false;
  let retry: NodeJS.Timeout | undefined;

  const connect = async () => {
    if (ended) return;
    const next = new pg.Client({ ...deps.pool.options, query_timeout: undefined, keepAlive: true });
    next.on('notification', wake);
    // What follows an error is the end of the connection, which is handled below.
    next.on('error', (error) => deps.log.debug({ error: error.message }, 'listening connection lost'));
    next.on('end', () => {
      client = null;
      if (!ended) retry = setTimeout(() => void connect(), POLL_MS);
    });
    try {
      await next.connect();
      await next.query(`LISTEN ${SERVING_STOP_CHANNEL}`);
      client = next;
      wake();
    } catch (error) {
      deps.log.debug({ error: String(error) }, 'listen failed; polling goes on');
      await next.end().catch((endError: unknown) => deps.log.debug({ error: String(endError) }, 'listen'));
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
