import type { Ranked } from './ranking.js';

/** What the auction reads of a ranking entry. All integers; times are epoch ms. */
export interface AuctionCandidate extends Ranked {
  readonly campaignId: string;
  readonly productId: string;
  readonly maxCpcKrw: number;
  readonly predictedCtrPpm: number;
  readonly bidFloorKrw: number;
  readonly startAt: number;
  readonly endAt: number;
  /** As the campaign wrote it; left out for everybody. */
  readonly targeting?: string | undefined;
}

/**
 * Why a candidate did not win, from one list. The numbers are stable: they stand in metrics, samples and receipts.
 * 1xx its schedule, 2xx its money, 3xx this page, 4xx its rivals.
 */
export const NO_BID_REASONS = {
  not_started: 101,
  ended: 102,
  campaign_stopped: 201,
  advertiser_stopped: 202,
  below_floor: 203,
  viewed_product: 301,
  not_targeted: 302,
  sibling_ranked_higher: 401,
  outranked: 402,
} as const;
export type NoBidReason = keyof typeof NO_BID_REASONS;

export interface AuctionRules {
  readonly maxAds: number;
  /** Epoch ms, business clock. */
  readonly now: number;
  /** The product being looked at; never advertised to itself. */
  readonly viewedProductId: string | null;
  /** Whether this shopper, now, is one of those whom the campaign names. */
  isTargeted(targeting: string): boolean;
  isCampaignStopped(campaignId: string, now: number): boolean;
  isAdvertiserStopped(advertiserId: string, now: number): boolean;
}

export interface Winner<T extends AuctionCandidate> {
  readonly candidate: T;
  /** From 1. */
  readonly slot: number;
  readonly priceKrw: number;
  /** Score of the next remaining ad of another advertiser; null when there was none and the floor is paid. */
  readonly runnerUpScore: number | null;
}

export interface AuctionResult<T extends AuctionCandidate> {
  readonly winners: readonly Winner<T>[];
  /** Examined and left out, in rank order. */
  readonly dropped: readonly { readonly candidate: T; readonly reason: NoBidReason }[];
  /** Candidates from this index on were not examined: every slot was taken by a higher rank (`outranked`). */
  readonly examined: number;
}

/**
 * Who is shown, in which slot, at what price per click.
 *
 * `ranked` must stand in ranking order (`compareRanked`). The best ad of each advertiser takes part; a winner pays
 * the smallest whole won that keeps its slot against the next remaining ad, which by then always belongs to
 * another advertiser, the first one not shown included (generalised second price: Edelman, Ostrovsky, Schwarz,
 * "Internet Advertising and the Generalized Second-Price Auction", 2007).
 */
export function runAuction<T extends AuctionCandidate>(
  ranked: readonly T[],
  rules: AuctionRules,
): AuctionResult<T> {
  const contenders: T[] = [];
  const advertisers = new Set<string>();
  const dropped: { candidate: T; reason: NoBidReason }[] = [];
  let examined = 0;
  for (const candidate of ranked) {
    if (contenders.length > rules.maxAds) break;
    examined += 1;
    const reason = noBidReason(candidate, rules, advertisers);
    if (reason !== null) {
      dropped.push({ candidate, reason });
      continue;
    }
    advertisers.add(candidate.advertiserId);
    contenders.push(candidate);
  }
  const winners = contenders.slice(0, rules.maxAds).map((candidate, index) => {
    const runnerUp = contenders[index + 1] ?? null;
    return {
      candidate,
      slot: index + 1,
      priceKrw: clickPriceKrw(candidate, runnerUp),
      runnerUpScore: runnerUp?.rankScore ?? null,
    };
  });
  const outranked = contenders[rules.maxAds];
  if (outranked !== undefined) dropped.push({ candidate: outranked, reason: 'outranked' });
  return { winners, dropped, examined };
}

function noBidReason(
  candidate: AuctionCandidate,
  rules: AuctionRules,
  advertisersIn: ReadonlySet<string>,
): NoBidReason | null {
  if (rules.now < candidate.startAt) return 'not_started';
  if (rules.now >= candidate.endAt) return 'ended';
  if (rules.isCampaignStopped(candidate.campaignId, rules.now)) return 'campaign_stopped';
  if (rules.isAdvertiserStopped(candidate.advertiserId, rules.now)) return 'advertiser_stopped';
  if (candidate.maxCpcKrw < candidate.bidFloorKrw) return 'below_floor';
  if (candidate.productId === rules.viewedProductId) return 'viewed_product';
  if (candidate.targeting !== undefined && !rules.isTargeted(candidate.targeting)) return 'not_targeted';
  if (advertisersIn.has(candidate.advertiserId)) return 'sibling_ranked_higher';
  return null;
}

/**
 * The smallest whole won `p` whose score `p * predictedCtrPpm` still stands before the runner-up in ranking order
 * (an equal score is enough when the own ad id comes first), within `bidFloorKrw <= p <= maxCpcKrw`.
 */
export function clickPriceKrw(own: AuctionCandidate, runnerUp: Ranked | null): number {
  if (runnerUp === null || own.predictedCtrPpm <= 0) return own.bidFloorKrw;
  const remainder = runnerUp.rankScore % own.predictedCtrPpm;
  const whole = (runnerUp.rankScore - remainder) / own.predictedCtrPpm;
  const equalIsEnough = remainder === 0 && own.adId < runnerUp.adId;
  const keepsSlot = equalIsEnough ? whole : whole + 1;
  return Math.min(own.maxCpcKrw, Math.max(own.bidFloorKrw, keepsSlot));
}
