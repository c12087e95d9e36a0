import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { buildCatalogue } from '../catalogue.js';
import { readOrderImport } from '../order-import.js';
import { arrangeShelves } from '../shelves.js';
import { createShopClient } from '../shop-client/client.js';
import type { ShopLog } from '../shop-client/types.js';
import { FEED_START_MS, feedOffsetAt, OrderReplay } from './order-replay.js';
import { buyBasket, buyClicked, cancelBasket, OrdersOfLoop } from './orders.js';
import { seededRandom } from './random.js';
import { BackOff, RequestRate } from './rate.js';
import {
  COUNTED,
  type Counts,
  DEFAULT_PACE,
  ShopCloses,
  type TrafficPace,
  type TrafficWorld,
} from './traffic-world.js';
import { browse, randomVisitor } from './visit.js';

export interface TrafficOptions {
  readonly adServerUrl: string;
  readonly apiKey: string;
  /** How much faster than real time the orders of the feed come. */
  readonly speedUp: number;
  readonly log: ShopLog;
  readonly seed?: number;
  readonly pace?: Partial<TrafficPace>;
}

export interface TrafficState extends Counts {
  /** Where in the fortnight of the feed the shop is, in its local time. */
  readonly feedTime: string;
  readonly shoppersNow: number;
  /** Orders that wait because all places in the shop are taken, or the ad system is away. */
  readonly quietForMs: number;
  readonly reportsWaiting: number;
}

export interface RunningTraffic {
  state(): TrafficState;
  stop(): Promise<void>;
}

const TICK_MS = 250;
const BURST = 5;
const STOP_WITHIN_MS = 1_500;

/**
 * A living shop: the real orders of a fortnight at `speedUp` times their pace, each by a customer who looks around
 * first, and visitors who only look, as many as the hour's orders would bring. At most 40 shoppers and 20 requests
 * a second; while the ad system is away nobody comes and the orders wait.
 */
export async function startTraffic(options: TrafficOptions): Promise<RunningTraffic> {
  const { products } = await buildCatalogue();
  const { actions } = await readOrderImport();
  const startedAt = Date.now();
  const offsetMs = feedOffsetAt(startedAt);
  const run = startedAt.toString(36);
  const closing = new AbortController();
  // Everybody in the shop waits for its closing; their number is bounded.
  setMaxListeners(0, closing.signal);
  const customers = actions.map(({ deviceId }) => deviceId).filter((id) => id.startsWith('customer:'));
  const world = openWorld(options, {
    shelves: arrangeShelves(products),
    customers: [...new Set(customers)],
    run,
    signal: closing.signal,
  });
  const shoppers = new Set<Promise<void>>();
  const elapsedMs = () => offsetMs + (Date.now() - startedAt) * options.speedUp;
  const doorman = openDoors(world, {
    replay: new OrderReplay(actions, offsetMs),
    orders: new OrdersOfLoop(run),
    elapsedMs,
    speedUp: options.speedUp,
    shoppers,
    log: options.log,
  });
  return {
    state: () => ({
      ...world.counts,
      feedTime: new Date(FEED_START_MS + elapsedMs()).toISOString().slice(0, 16),
      shoppersNow: shoppers.size,
      quietForMs: Math.round(world.backOff.remainingMs()),
      reportsWaiting: world.client.waiting(),
    }),
    stop: async () => {
      closing.abort();
      await Promise.race([Promise.allSettled([doorman, ...shoppers]), delay(STOP_WITHIN_MS)]);
      world.client.close();
    },
  };
}

/** Nobody waits for the pages of these shoppers, and their orders need ads that were clicked: late ones count, too. */
const ADS_WITHIN_MS = 1_000;

function openWorld(
  options: TrafficOptions,
  shop: Pick<TrafficWorld, 'shelves' | 'customers'> & { run: string; signal: AbortSignal },
): TrafficWorld {
  const pace = { ...DEFAULT_PACE, ...options.pace };
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;
  const rate = new RequestRate(pace.requestsPerSecond, BURST);
  let announced = 0;
  let names = 0;
  const countedFetch = (request: Request) => {
    counts.requests += 1;
    if (announced > 0) announced -= 1;
    // A repetition by the client's queue: it does not wait, but those after it do.
    else rate.reserve();
    return fetch(request);
  };
  return {
    shelves: shop.shelves,
    customers: shop.customers,
    client: createShopClient({ ...options, fetch: countedFetch, adsWithinMs: ADS_WITHIN_MS }),
    random: seededRandom(options.seed ?? 1),
    pace,
    counts,
    rate,
    backOff: new BackOff(),
    held: [],
    pause: async (ms) => {
      await delay(ms, undefined, { signal: shop.signal }).catch(() => undefined);
      if (shop.signal.aborted) throw new ShopCloses();
    },
    announce: () => {
      announced += 1;
    },
    newName: (kind) => {
      names += 1;
      return `${kind}-${shop.run}-${names}`;
    },
  };
}

interface Doors {
  readonly replay: OrderReplay;
  readonly orders: OrdersOfLoop;
  readonly elapsedMs: () => number;
  readonly speedUp: number;
  readonly shoppers: Set<Promise<void>>;
  readonly log: ShopLog;
}

/** Lets in who comes now, four times a second, until the shop closes. */
async function openDoors(world: TrafficWorld, doors: Doors): Promise<void> {
  const { shoppers } = doors;
  const hasRoom = () => shoppers.size < world.pace.shoppersMax && world.backOff.remainingMs() === 0;
  const letIn = (visit: Promise<void>) => {
    const watched = visit
      .catch((error: unknown) => {
        if (!(error instanceof ShopCloses)) doors.log.error({ err: error }, 'a visit of the traffic failed');
      })
      .finally(() => shoppers.delete(watched));
    shoppers.add(watched);
  };
  for (;;) {
    while (hasRoom()) {
      const visit = nextAction(world, doors);
      if (visit === null) break;
      letIn(visit);
    }
    if (world.random() < visitsPerSecond(world.pace, doors) * (TICK_MS / 1_000)) {
      if (hasRoom()) letIn(visitOnly(world));
      else world.counts.visitsTurnedAway += 1;
    }
    try {
      await world.pause(TICK_MS);
    } catch {
      return;
    }
  }
}

function nextAction(world: TrafficWorld, { replay, orders, elapsedMs }: Doors): Promise<void> | null {
  const due = replay.take(elapsedMs());
  if (due === null) return null;
  const { action } = due;
  if (action.kind === 'order') {
    orders.begin(due);
    return buyBasket(world, orders.idOf(due), action);
  }
  if (orders.isBegun(due)) return cancelBasket(world, orders.idOf(due), action);
  world.counts.cancellationsWithoutOrder += 1;
  return Promise.resolve();
}

function visitsPerSecond(pace: TrafficPace, { replay, elapsedMs, speedUp }: Doors): number {
  const wanted = (pace.visitsPerOrder * replay.ordersPerHourAt(elapsedMs()) * speedUp) / 3_600;
  return Math.min(pace.visitsPerSecondMax, Math.max(pace.visitsPerSecondMin, wanted));
}

async function visitOnly(world: TrafficWorld): Promise<void> {
  const visitor = randomVisitor(world);
  const clicked = await browse(world, visitor);
  await buyClicked(world, visitor.deviceId, clicked);
}
