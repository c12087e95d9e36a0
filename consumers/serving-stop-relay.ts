import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ServingStop, servingStopField } from '../contracts/serving-stop.js';
import type { Metrics } from '../infra/metrics.js';
import { publishServingChanges } from '../operations/publish-serving-changes.js';
import { endExpiredStops } from '../operations/read-serving-stops.js';
import { relayServingStops } from '../operations/relay-serving-stops.js';
import { SERVING_STOP_CHANNEL } from '../operations/serving-stops.js';
import { type Lane, startLane } from './lane.js';
import { StopReader, type StopsRead } from './stop-reader.js';

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
  const queue = new RankingQueue();
  const lanes: Lane[] = [
    inParts({ everyMs: POLL_MS, log: deps.log, what: 'stops to Redis' }, () => relayToRedis(deps, toRedis)),
    inParts({ everyMs: POLL_MS, log: deps.log, what: 'stops to the ranking' }, () =>
      relayToRanking(deps, toRanking, queue),
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
  // Mostly nothing has changed: whether Redis answers is asked all the same, or `ageMs` would not tell its absence.
  await deps.redis.ping();
  const moreToRead = await reader.read(async (stops) => {
    const newer = await relayServingStops(deps.redis, stops);
    deps.metrics.counter('ads_serving_stops_relayed_total', 'Stops written to Redis').inc(newer);
  });
  return ended === PART || moreToRead;
}

async function relayToRanking(
  deps: ServingStopRelayDeps,
  reader: StopReader,
  queue: RankingQueue,
): Promise<boolean> {
  const moreToRead = await reader.read((stops, read) => Promise.resolve(queue.add(stops, read)));
  const part = queue.first(PART);
  await publishServingChanges(deps, part);
  queue.drop(part.length);
  deps.metrics
    .gauge('ads_serving_changes_pending', 'Stops that the ranking is still to hear of')
    .set(queue.size);
  return moreToRead || queue.size > 0;
}

/**
 * What the ranking is still to hear of. What changes now goes before what a walk over all stops found, each the newest
 * first: what has just been exhausted does not wait for what a midnight or a start brought along.
 */
class RankingQueue {
  readonly #changed: ServingStop[] = [];
  readonly #found: ServingStop[] = [];
  /** By stop, the newest version queued or told: as many entries as `serving_stop` has rows. */
  readonly #known = new Map<string, number>();

  get size(): number {
    return this.#changed.length + this.#found.length;
  }

  add(stops: readonly ServingStop[], read: StopsRead): void {
    const queue = read === 'changed' ? this.#changed : this.#found;
    for (const stop of stops) {
      const field = servingStopField(stop);
      if (stop.version <= (this.#known.get(field) ?? 0)) continue;
      this.#known.set(field, stop.version);
      queue.push(stop);
    }
  }

  first(count: number): ServingStop[] {
    const changed = this.#changed.slice(-count);
    const found = changed.length < count ? this.#found.slice(changed.length - count) : [];
    return [...changed, ...found];
  }

  /** Those that `first` gave. */
  drop(count: number): void {
    const changed = Math.min(count, this.#changed.length);
    this.#changed.length -= changed;
    this.#found.length -= count - changed;
  }
}

/** A connection of its own that LISTENs; reconnects for ever, polling covers the gaps. */
function listen(deps: ServingStopRelayDeps, wake: () => void): { stop(): Promise<void> } {
  let client: pg.Client | null = null;
  let ended = false;
  let retry: NodeJS.Timeout | undefined;
  let connecting: Promise<void> = Promise.resolve();

  const connect = async () => {
    if (ended) return;
    const next = new pg.Client({ ...deps.pool.options, query_timeout: undefined, keepAlive: true });
    next.on('notification', wake);
    // What follows an error is the end of the connection, which is handled below.
    next.on('error', (error) => deps.log.debug({ error: error.message }, 'listening connection lost'));
    next.on('end', () => {
      client = null;
      if (!ended) retry = setTimeout(reconnect, POLL_MS);
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
  const reconnect = () => {
    connecting = connect();
  };
  reconnect();
  return {
    stop: async () => {
      ended = true;
      clearTimeout(retry);
      // One that is just being made would stay open for ever.
      await connecting;
      await client?.end();
    },
  };
}
