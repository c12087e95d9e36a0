import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  BUDGET_SIGNAL_LEASE_MS,
  type BudgetLeft,
  budgetLeftListSchema,
  FULL_PASS_PPM,
  type PassShare,
  passShareListSchema,
} from '../contracts/budget-signal.js';
import { REDIS_CHANNELS, REDIS_KEYS } from '../contracts/redis-keys.js';
import { type ServingStop, servingStopSchema } from '../contracts/serving-stop.js';
import { addDays, isBusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import { isLeftOut } from '../domain/pacing.js';

/** Entries of one kind; beyond it the oldest is forgotten, which only means that it is offered once more. */
const MOST_ENTRIES = 50_000;

const CHANNELS = [
  REDIS_CHANNELS.budgetLeft,
  REDIS_CHANNELS.pacingChanged,
  REDIS_CHANNELS.servingStopsChanged,
] as const;

const stopListSchema = z.array(servingStopSchema);

export interface BudgetSignalCopyOptions {
  readonly redis: Redis;
  readonly subscriber: Redis;
  /** Business clock, epoch ms; the same one as `nowMs` of the questions. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onBadMessage: () => void;
}

interface Left {
  readonly leftKrw: number;
  readonly version: number;
  /** The lease, or the end of the business date if that comes first. */
  readonly until: number;
}

interface Share {
  readonly passPpm: number;
  readonly until: number;
}

/**
 * What ad servers know of money near its end and of even spending. Only memory is asked. Every entry ends by itself
 * a minute after it was heard, so that a lost worker, monitor or Redis leaves everybody served at full pace and the
 * stop list in charge.
 */
export class BudgetSignalCopy {
  readonly #options: BudgetSignalCopyOptions;
  readonly #left = { campaign: new Map<string, Left>(), advertiser: new Map<string, Left>() };
  readonly #shares = new Map<string, Share>();

  constructor(options: BudgetSignalCopyOptions) {
    this.#options = options;
    const { redis, subscriber, log } = options;
    subscriber.on('message', (channel: string, message: string) => this.#hear(channel, message));
    redis.on('ready', () => this.#load());
    subscriber.subscribe(...CHANNELS).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'budget signals are not followed yet');
    });
    if (redis.status === 'ready') this.#load();
  }

  /** Entries held, ended or not. */
  get size(): number {
    return this.#left.campaign.size + this.#left.advertiser.size + this.#shares.size;
  }

  /** The least of balance and budgets; Infinity when nobody said within the lease that it is short. */
  leftKrw(campaignId: string, advertiserId: string, nowMs: number): number {
    const campaign = this.#left.campaign.get(campaignId);
    const advertiser = this.#left.advertiser.get(advertiserId);
    const ofCampaign =
      campaign !== undefined && nowMs < campaign.until ? campaign.leftKrw : Number.POSITIVE_INFINITY;
    if (advertiser === undefined || nowMs >= advertiser.until) return ofCampaign;
    return Math.min(ofCampaign, advertiser.leftKrw);
  }

  /** Whether even spending leaves this campaign out of this request; the same request is always answered the same. */
  isPaced(campaignId: string, requestId: string, nowMs: number): boolean {
    const share = this.#shares.get(campaignId);
    if (share === undefined || nowMs >= share.until) return false;
    return isLeftOut(campaignId, requestId, share.passPpm);
  }

  /** Takes in what is left; false when the held one is as new and still counts. */
  applyLeft(left: BudgetLeft): boolean {
    const entries = this.#left[left.scope];
    const held = entries.get(left.id);
    const now = this.#options.now();
    if (held !== undefined && now < held.until && left.version <= held.version) return false;
    const until = Math.min(now + BUDGET_SIGNAL_LEASE_MS, endOf(left.untilDate));
    keep(entries, left.id, { leftKrw: left.leftKrw, version: left.version, until });
    return true;
  }

  /** Served again: what was left before counts no more, and an older word about it does not come back. */
  applyStop({ scope, id, stopped }: ServingStop): void {
    const held = this.#left[scope].get(id);
    if (stopped || held === undefined) return;
    const until = this.#options.now() + BUDGET_SIGNAL_LEASE_MS;
    keep(this.#left[scope], id, { leftKrw: Number.POSITIVE_INFINITY, version: held.version, until });
  }

  applyShare({ campaignId, passPpm }: PassShare, leaseMs = BUDGET_SIGNAL_LEASE_MS): void {
    if (passPpm >= FULL_PASS_PPM) this.#shares.delete(campaignId);
    else keep(this.#shares, campaignId, { passPpm, until: this.#options.now() + leaseMs });
  }

  #hear(channel: string, message: string): void {
    let readable = true;
    if (channel === REDIS_CHANNELS.budgetLeft)
      readable = takeAll(budgetLeftListSchema, message, (left) => this.applyLeft(left));
    else if (channel === REDIS_CHANNELS.pacingChanged)
      readable = takeAll(passShareListSchema, message, (share) => this.applyShare(share));
    else if (channel === REDIS_CHANNELS.servingStopsChanged)
      readable = takeAll(stopListSchema, message, (stop) => this.applyStop(stop));
    if (!readable) this.#options.onBadMessage();
    this.#forgetEnded();
  }

  /** What was said of pacing before this process listened, for as long as that counts. */
  #load(): void {
    this.#readPacing().catch((error: unknown) =>
      this.#options.log.debug({ error: String(error) }, 'pacing not read; messages will tell'),
    );
  }

  async #readPacing(): Promise<void> {
    const { redis, onBadMessage } = this.#options;
    const [leaseMs, all] = await Promise.all([
      redis.pttl(REDIS_KEYS.pacing),
      redis.hgetall(REDIS_KEYS.pacing),
    ]);
    const shares = Object.entries(all).map(([campaignId, ppm]) => ({ campaignId, passPpm: Number(ppm) }));
    const parsed = passShareListSchema.safeParse(shares);
    if (!parsed.success) onBadMessage();
    for (const share of parsed.data ?? []) {
      // What a message told in the meantime is newer.
      if (!this.#shares.has(share.campaignId)) this.applyShare(share, Math.max(0, leaseMs));
    }
  }

  #forgetEnded(): void {
    const now = this.#options.now();
    for (const entries of [this.#left.campaign, this.#left.advertiser, this.#shares]) {
      // In the order of hearing, and each lease is as long: the first that holds ends the look.
      for (const [id, { until }] of entries) {
        if (now < until) break;
        entries.delete(id);
      }
    }
  }
}

/** False when the message cannot be read; then nothing of it counts. */
function takeAll<T>(schema: z.ZodType<T[]>, message: string, take: (one: T) => unknown): boolean {
  try {
    const parsed = schema.safeParse(JSON.parse(message));
    for (const one of parsed.data ?? []) take(one);
    return parsed.success;
  } catch {
    return false;
  }
}

/** Newest last; the oldest makes room. */
function keep<T>(entries: Map<string, T>, id: string, entry: T): void {
  entries.delete(id);
  entries.set(id, entry);
  if (entries.size <= MOST_ENTRIES) return;
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    break;
  }
}

/** First instant (epoch ms) after the business date; a date that is none never counts. */
function endOf(untilDate: string | null): number {
  if (untilDate === null) return Number.POSITIVE_INFINITY;
  return isBusinessDate(untilDate) ? startOfBusinessDate(addDays(untilDate, 1)) : Number.NEGATIVE_INFINITY;
}
