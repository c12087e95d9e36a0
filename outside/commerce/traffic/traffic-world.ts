import type { Shelves } from '../shelves.js';
import type { ShopClient } from '../shop-client/client.js';
import type { Ad, AnswerOfAd, Reported, ShopperHeaders } from '../shop-client/types.js';
import type { Random } from './random.js';
import type { BackOff, RequestRate } from './rate.js';

/** Everything that the demonstration's shoppers do at, by default. All probabilities are per opportunity. */
export interface TrafficPace {
  /** Visits without an order for each order of the feed. */
  readonly visitsPerOrder: number;
  /** The shop is never quite empty, not even at the feed's nights. */
  readonly visitsPerSecondMin: number;
  readonly visitsPerSecondMax: number;
  readonly shoppersMax: number;
  readonly requestsPerSecond: number;
  /** A look at a page, shortest and longest. */
  readonly dwellMs: readonly [number, number];
  /** By slot; a slot further down is as the last. */
  readonly viewProbability: readonly number[];
  readonly clickProbability: readonly number[];
  /** An ad of a category that the shopper came for, and any other. */
  readonly relevant: number;
  readonly irrelevant: number;
  readonly buyAfterClick: number;
  /** Of what was bought after a click. */
  readonly cancelAfterBuy: number;
  /** Acts of bad clicking for each good click; with bursts, about 3 % of all clicks. */
  readonly badActsPerClick: number;
  /** A token older than this is clicked as an expired one. */
  readonly expiredAfterMs: number;
}

export const DEFAULT_PACE: TrafficPace = {
  visitsPerOrder: 3,
  visitsPerSecondMin: 0.1,
  visitsPerSecondMax: 0.6,
  shoppersMax: 40,
  requestsPerSecond: 20,
  dwellMs: [800, 4_000],
  viewProbability: [0.95, 0.85, 0.7, 0.55, 0.4],
  clickProbability: [0.035, 0.024, 0.017, 0.012, 0.008],
  relevant: 1.6,
  irrelevant: 0.6,
  buyAfterClick: 0.08,
  // The feed's share is 0.017; more, so that a reversal is seen within the hour.
  cancelAfterBuy: 0.1,
  badActsPerClick: 0.014,
  expiredAfterMs: 31 * 60_000,
};

export const COUNTED = [
  'visits',
  'visitsTurnedAway',
  'pages',
  'pagesWithoutAnswer',
  'adsServed',
  'adsViewed',
  'clicks',
  'clicksCharged',
  'clicksNotCharged',
  'clicksAccepted',
  'feedOrders',
  'boughtAfterClick',
  'cancellations',
  'cancellationsWithoutOrder',
  'reportsQueued',
  'reportsDropped',
  'reportsRefused',
  'requests',
  'badDouble',
  'badBot',
  'badBurst',
  'badExpired',
  'badForged',
] as const;
export type Counted = (typeof COUNTED)[number];
export type Counts = Record<Counted, number>;

/** The shop is being closed: whoever waits goes home. */
export class ShopCloses extends Error {}

export interface Visitor {
  readonly deviceId: string;
  readonly shopper: ShopperHeaders;
  /** Categories that the visitor came for. */
  readonly interests: readonly string[];
}

/** An ad query's answer that a shopper holds on to. */
export interface HeldClick {
  readonly answer: AnswerOfAd;
  readonly ad: Pick<Ad, 'adId'>;
  readonly heldSince: number;
}

/** What all shoppers share. */
export interface TrafficWorld {
  readonly client: ShopClient;
  readonly shelves: Shelves;
  readonly customers: readonly string[];
  readonly random: Random;
  readonly pace: TrafficPace;
  readonly counts: Counts;
  readonly rate: RequestRate;
  readonly backOff: BackOff;
  /** Old answers, to be clicked when they have expired; the oldest first. */
  readonly held: HeldClick[];
  /** Rejects with `ShopCloses` when the shop closes. */
  readonly pause: (ms: number) => Promise<void>;
  /** Told before each call, so that other requests are known as repetitions of the client's queue. */
  readonly announce: () => void;
  readonly newName: (kind: string) => string;
}

/** One call to the ad system at the pace of the shop. */
export async function paced<T>(world: TrafficWorld, call: (client: ShopClient) => Promise<T>): Promise<T> {
  const waitMs = world.rate.reserve();
  if (waitMs > 0) await world.pause(waitMs);
  world.announce();
  return call(world.client);
}

/** Keeps the score of a report, and notices an ad system that is away. */
export function noteReport<T>(world: TrafficWorld, report: Reported<T>): Reported<T> {
  const { counts, backOff } = world;
  if (report.state === 'answered') backOff.answered();
  else if (report.state === 'refused') counts.reportsRefused += 1;
  else {
    counts[report.state === 'queued' ? 'reportsQueued' : 'reportsDropped'] += 1;
    backOff.failed();
  }
  return report;
}
