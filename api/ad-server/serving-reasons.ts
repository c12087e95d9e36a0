import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { AdQuery } from '../../contracts/http/ad-server.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import {
  SERVING_REASONS_TTL_SECONDS,
  SERVING_SAMPLES_KEPT,
  SERVING_SAMPLES_TTL_SECONDS,
  servingCountField,
  servingHourOf,
  UNTRACKED_CAMPAIGNS,
} from '../../contracts/serving-reasons.js';
import type { AuctionResult } from '../../domain/auction.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { SERVING_OUTCOMES, type ServingOutcome, type ServingSample } from '../../domain/serving-outcome.js';
import { SampleRate } from './sample-rate.js';
import { type AuctionNotes, targetOf } from './serve-ads.js';

const FLUSH_INTERVAL_MS = 5_000;
const ADAPT_INTERVAL_MS = 1_000;
/** Some 850 bytes each until the next flush, of each hour that waits for Redis again; the rest is counted together. */
const MOST_CAMPAIGNS = 10_000;
/** Campaigns per pipeline: a few hundred commands, so that writing them never holds up a request. */
const CAMPAIGNS_PER_PIPELINE = 50;
/** While Redis is away the counts of the newest hours wait; an older hour is given up. */
const HOURS_KEPT = 2;

const OUTCOMES = SERVING_OUTCOMES.length;
const OUTCOME_AT = indexOf(SERVING_OUTCOMES);
const PLACEMENT_AT = indexOf(PLACEMENTS);
const FIELDS = PLACEMENTS.flatMap((placement) =>
  SERVING_OUTCOMES.map((outcome) => servingCountField(placement, outcome)),
);

interface Tally {
  readonly counts: Uint32Array;
  /** At most one of each flush, so that a busy campaign's newest samples span minutes. */
  sample: ServingSample | null;
}

/** Everything noted in one clock hour and not in Redis yet. */
interface Noted {
  readonly hour: number;
  readonly tallies: Map<string, Tally>;
}

export interface ServingReasonsOptions {
  readonly redis: Redis;
  /** Business clock, epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onDropped: () => void;
  readonly flushIntervalMs?: number;
  readonly random?: () => number;
}

/**
 * Why ads did and did not show, per campaign and clock hour: counted in memory, carried to Redis every five seconds.
 * Winners and examined candidates are counted one by one. Those below, up to 200 of each auction, are counted in one
 * auction of N and count N times: estimates, off by about 1/√n after n samples.
 */
export class ServingReasons implements AuctionNotes {
  readonly #options: ServingReasonsOptions;
  readonly #rate: SampleRate;
  readonly #timers: readonly NodeJS.Timeout[];
  #tallies = new Map<string, Tally>();
  #waiting: Noted[] = [];
  #flushing: Promise<void> | null = null;

  constructor(options: ServingReasonsOptions) {
    this.#options = options;
    this.#rate = new SampleRate(options.random ?? Math.random);
    this.#timers = [
      setInterval(() => this.#startFlush(), options.flushIntervalMs ?? FLUSH_INTERVAL_MS),
      setInterval(() => this.#rate.adapt(ADAPT_INTERVAL_MS), ADAPT_INTERVAL_MS),
    ];
  }

  /** Campaigns with counts that are not in Redis yet. */
  get size(): number {
    return this.#waiting.reduce((sum, { tallies }) => sum + tallies.size, this.#tallies.size);
  }

  note(
    auction: AuctionResult<RankingEntry>,
    query: AdQuery,
    _requestId: string,
    ranked: readonly RankingEntry[],
  ): void {
    const from = PLACEMENT_AT[query.placement] * OUTCOMES;
    for (const { candidate } of auction.winners) this.#count(candidate.campaignId, from + OUTCOME_AT.won, 1);
    for (const { candidate, reason } of auction.dropped) {
      this.#count(candidate.campaignId, from + OUTCOME_AT[reason], 1);
    }
    const weight = this.#rate.take();
    if (weight > 0) this.#sample(auction, query, ranked, weight);
  }

  /** Writes what is there; without Redis it is lost, as counts may be. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#flushing;
    await this.#flush();
  }

  #count(campaignId: string, index: number, by: number): void {
    const { counts } = this.#tallyOf(campaignId);
    counts[index] = (counts[index] ?? 0) + by;
  }

  #tallyOf(campaignId: string): Tally {
    return this.#tallies.get(campaignId) ?? addTally(this.#tallies, campaignId);
  }

  /** The whole ranking of one auction, in its order: the candidates never reached, and what each campaign met. */
  #sample(
    auction: AuctionResult<RankingEntry>,
    query: AdQuery,
    ranked: readonly RankingEntry[],
    weight: number,
  ): void {
    const { placement } = query;
    const from = PLACEMENT_AT[placement] * OUTCOMES;
    const inLine = new Set<string>();
    const describe = sampler(auction, query, this.#options.now());
    let nextWinner = 0;
    let nextDropped = 0;
    for (const [index, entry] of ranked.entries()) {
      const winner = auction.winners[nextWinner];
      const dropped = auction.dropped[nextDropped];
      const tally = this.#tallyOf(entry.campaignId);
      if (winner?.candidate === entry) {
        nextWinner += 1;
        inLine.add(entry.advertiserId);
        tally.sample ??= describe(entry, index, 'won', winner);
      } else if (dropped?.candidate === entry) {
        nextDropped += 1;
        if (dropped.reason === 'outranked') inLine.add(entry.advertiserId);
        tally.sample ??= describe(entry, index, dropped.reason, null);
      } else {
        const isSibling = inLine.has(entry.advertiserId);
        inLine.add(entry.advertiserId);
        const at = from + OUTCOME_AT[isSibling ? 'sibling_not_examined' : 'not_examined'];
        tally.counts[at] = (tally.counts[at] ?? 0) + weight;
        tally.sample ??= describe(entry, index, isSibling ? 'sibling_ranked_higher' : 'outranked', null);
      }
    }
  }

  #startFlush(): void {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
  }

  /** Never throws. What Redis did not take waits, within bounds. */
  async #flush(): Promise<void> {
    const { redis, now, log, onDropped } = this.#options;
    keepNoted(this.#waiting, { hour: servingHourOf(now()), tallies: this.#tallies });
    this.#tallies = new Map();
    while (this.#waiting.length > HOURS_KEPT) {
      this.#waiting.shift();
      onDropped();
    }
    if (redis.status !== 'ready') return;
    try {
      for (const { hour, tallies } of this.#waiting) await writeNoted(redis, hour, tallies);
    } catch (error) {
      log.debug({ error: String(error), campaigns: this.size }, 'serving reasons wait for Redis');
    }
    this.#waiting = this.#waiting.filter(({ tallies }) => tallies.size > 0);
  }
}

function addTally(tallies: Map<string, Tally>, campaignId: string): Tally {
  const name = tallies.size < MOST_CAMPAIGNS ? campaignId : UNTRACKED_CAMPAIGNS;
  const held = tallies.get(name);
  if (held !== undefined) return held;
  const tally: Tally = { counts: new Uint32Array(FIELDS.length), sample: null };
  tallies.set(name, tally);
  return tally;
}

/** Adds to what already waits of the same hour; hours stand in their order. */
function keepNoted(waiting: Noted[], { hour, tallies }: Noted): void {
  if (tallies.size === 0) return;
  const same = waiting.find((noted) => noted.hour === hour);
  if (same === undefined) {
    waiting.push({ hour, tallies });
    waiting.sort((a, b) => a.hour - b.hour);
    return;
  }
  for (const [campaignId, { counts, sample }] of tallies) {
    const tally = same.tallies.get(campaignId) ?? addTally(same.tallies, campaignId);
    for (const [index, count] of counts.entries()) tally.counts[index] = (tally.counts[index] ?? 0) + count;
    tally.sample = sample ?? tally.sample;
  }
}

/** What Redis has taken is forgotten at once, so that a failure in the middle repeats one pipeline at most. */
async function writeNoted(redis: Redis, hour: number, tallies: Map<string, Tally>): Promise<void> {
  while (tallies.size > 0) {
    const chunk = firstOf(tallies, CAMPAIGNS_PER_PIPELINE);
    const pipeline = redis.pipeline();
    for (const [campaignId, { counts, sample }] of chunk) {
      const key = REDIS_KEYS.servingReasons(campaignId, hour);
      for (const [index, count] of counts.entries()) {
        const field = FIELDS[index];
        if (count > 0 && field !== undefined) pipeline.hincrby(key, field, count);
      }
      pipeline.expire(key, SERVING_REASONS_TTL_SECONDS);
      if (sample === null || campaignId === UNTRACKED_CAMPAIGNS) continue;
      const samples = REDIS_KEYS.servingSamples(campaignId);
      pipeline.lpush(samples, JSON.stringify(sample));
      pipeline.ltrim(samples, 0, SERVING_SAMPLES_KEPT - 1);
      pipeline.expire(samples, SERVING_SAMPLES_TTL_SECONDS);
    }
    const answers = await pipeline.exec();
    const failed = answers?.find(([error]) => error !== null)?.[0];
    if (failed) throw failed;
    for (const [campaignId] of chunk) tallies.delete(campaignId);
  }
}

function firstOf<K, V>(map: ReadonlyMap<K, V>, count: number): [K, V][] {
  const first: [K, V][] = [];
  for (const entry of map) {
    first.push(entry);
    if (first.length === count) break;
  }
  return first;
}

type Winner = AuctionResult<RankingEntry>['winners'][number];

function sampler({ winners }: AuctionResult<RankingEntry>, query: AdQuery, at: number) {
  const target = targetOf(query);
  const { placement, maxAds: slots } = query;
  const lowest = winners.length === slots ? winners.at(-1) : undefined;
  return (
    { adId, rankScore, maxCpcKrw, predictedCtrPpm }: RankingEntry,
    index: number,
    outcome: ServingOutcome,
    won: Winner | null,
  ): ServingSample => ({
    at,
    placement,
    target,
    adId,
    outcome,
    ownRank: index + 1,
    slots,
    slot: won?.slot ?? null,
    priceKrw: won?.priceKrw ?? null,
    rankScore,
    maxCpcKrw,
    predictedCtrPpm,
    lowestWinningScore: lowest?.candidate.rankScore ?? null,
    lowestWinningPriceKrw: lowest?.priceKrw ?? null,
  });
}

/** Where each name stands; a record, because it is asked several times in every auction. */
function indexOf<K extends string>(names: readonly K[]): Readonly<Record<K, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<K, number>;
}
