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
  /** Its even spending sits this query out. */
  paced: 204,
  /** What is left of balance or budget is less than the price of its place. */
  cannot_afford: 205,
  viewed_product: 301,
  not_targeted: 302,
  already_shown: 303,
  sibling_ranked_higher: 401,
  outranked: 402,
} as const;
export type NoBidReason = keyof typeof NO_BID_REASONS;

export interface AuctionRules {
  readonly maxAds: number;
  /** Slot of the first winner: 1, or the one after those that earlier pages of this visit filled. */
  readonly firstSlot: number;
  /** Epoch ms, business clock. */
  readonly now: number;
  /** The product being looked at; never advertised to itself. */
  readonly viewedProductId: string | null;
  /** Whether this shopper, now, is one of those whom the campaign names. */
  isTargeted(targeting: string): boolean;
  isCampaignStopped(campaignId: string, now: number): boolean;
  isAdvertiserStopped(advertiserId: string, now: number): boolean;
  /** On an earlier page of this visit. */
  isAlreadyShown(adId: string): boolean;
  /** Whether the campaign's even spending sits this query out. Must answer the same throughout one auction. */
  isPaced(campaignId: string): boolean;
  /** The least of balance, daily and total budget; Infinity when nobody said that it is short. */
  leftKrw(campaignId: string, advertiserId: string): number;
}

export interface Winner<T extends AuctionCandidate> {
  readonly candidate: T;
  /** From `firstSlot`. */
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

type Dropped<T> = { readonly candidate: T; readonly reason: NoBidReason };

/**
 * Who is shown, in which slot, at what price per click.
 *
 * `ranked` must stand in ranking order (`compareRanked`). The best ad of each advertiser takes part; a winner pays
 * the smallest whole won that keeps its slot against the next remaining ad, which by then always belongs to
 * another advertiser, the first one not shown included (generalised second price: Edelman, Ostrovsky, Schwarz,
 * "Internet Advertising and the Generalized Second-Price Auction", 2007).
 *
 * Who cannot pay the price of its place leaves, shown or not: a high bid on an empty purse must not raise the price of
 * others. The rest is priced again without it: the lowest first, because its leaving lowers the price of those above.
 * So what a slot costs does not depend on how many slots there are. Each round leaves one ad out for good, so that it
 * ends; a second round is rare, since only ads that are nearly out of money can cause one.
 */
export function runAuction<T extends AuctionCandidate>(
  ranked: readonly T[],
  rules: AuctionRules,
): AuctionResult<T> {
  let round = admit(ranked, rules, null);
  let broke: Set<T> | null = null;
  for (;;) {
    const poorest = lowestUnaffordable(round.contenders, rules);
    if (poorest === null) break;
    broke ??= new Set();
    broke.add(poorest);
    round = admit(ranked, rules, broke);
  }
  const { contenders, dropped, examined } = round;
  const winners = contenders.slice(0, rules.maxAds).map((candidate, index) => {
    const runnerUp = contenders[index + 1] ?? null;
    return {
      candidate,
      slot: rules.firstSlot + index,
      priceKrw: clickPriceKrw(candidate, runnerUp),
      runnerUpScore: runnerUp?.rankScore ?? null,
    };
  });
  return { winners, dropped, examined };
}

interface Round<T> {
  /** Best first: the winners, then those who were outranked. */
  readonly contenders: readonly T[];
  readonly dropped: readonly Dropped<T>[];
  readonly examined: number;
}

/**
 * Who takes part, without those who turned out not to be able to pay: as many as there are slots, and of the rest as
 * many as it takes to meet one that can pay whatever its place costs. That one is nearly always the first.
 */
function admit<T extends AuctionCandidate>(
  ranked: readonly T[],
  rules: AuctionRules,
  broke: ReadonlySet<T> | null,
): Round<T> {
  const contenders: T[] = [];
  const advertisers = new Set<string>();
  const dropped: Dropped<T>[] = [];
  let examined = 0;
  for (const candidate of ranked) {
    examined += 1;
    const reason = broke?.has(candidate) ? 'cannot_afford' : noBidReason(candidate, rules, advertisers);
    if (reason !== null) {
      dropped.push({ candidate, reason });
      continue;
    }
    advertisers.add(candidate.advertiserId);
    contenders.push(candidate);
    if (contenders.length <= rules.maxAds) continue;
    dropped.push({ candidate, reason: 'outranked' });
    if (leftOf(candidate, rules) >= candidate.maxCpcKrw) break;
  }
  return { contenders, dropped, examined };
}

function lowestUnaffordable<T extends AuctionCandidate>(
  contenders: readonly T[],
  rules: AuctionRules,
): T | null {
  for (let index = contenders.length - 1; index >= 0; index -= 1) {
    const candidate = contenders[index];
    if (candidate === undefined) continue;
    const leftKrw = leftOf(candidate, rules);
    if (leftKrw >= candidate.maxCpcKrw) continue;
    if (leftKrw < clickPriceKrw(candidate, contenders[index + 1] ?? null)) return candidate;
  }
  return null;
}

const leftOf = ({ campaignId, advertiserId }: AuctionCandidate, rules: AuctionRules): number =>
  rules.leftKrw(campaignId, advertiserId);

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
  if (rules.isAlreadyShown(candidate.adId)) return 'already_shown';
  if (candidate.targeting !== undefined && !rules.isTargeted(candidate.targeting)) return 'not_targeted';
  if (rules.isPaced(candidate.campaignId)) return 'paced';
  // No price is below the floor, so this one is out before anything is priced.
  if (leftOf(candidate, rules) < candidate.bidFloorKrw) return 'cannot_afford';
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
