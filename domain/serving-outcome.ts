import { NO_BID_REASONS, type NoBidReason } from './auction.js';
import type { Placement } from './placement.js';

/**
 * What became of one ad in one auction of its ranking. `not_examined`: every slot was taken by a higher rank before
 * this ad was looked at; in the seller's words it was outranked. `sibling_not_examined`: the same, but a higher ranked
 * ad of its own advertiser took part or was first in line; no bid would have brought this one in. Only these two are
 * counted by samples.
 */
export type ServingOutcome = 'won' | NoBidReason | 'not_examined' | 'sibling_not_examined';
export const SERVING_OUTCOMES = [
  'won',
  'not_started',
  'ended',
  'campaign_stopped',
  'advertiser_stopped',
  'below_floor',
  'paced',
  'cannot_afford',
  'viewed_product',
  'not_targeted',
  'already_shown',
  'sibling_ranked_higher',
  'outranked',
  'not_examined',
  'sibling_not_examined',
] as const satisfies readonly ServingOutcome[];

export type OutcomeCounts = Readonly<Partial<Record<ServingOutcome, number>>>;
export type PlacementCounts = Readonly<Record<Placement, OutcomeCounts>>;

/**
 * One auction as one campaign met it, by its best ad there. Only own numbers, and of the lowest winner its score and
 * price, which sellers are shown rounded only (`sampleForSeller`).
 */
export interface ServingSample {
  /** Epoch ms, business clock. */
  readonly at: number;
  readonly placement: Placement;
  /** `*`, a category, or a keyword of this campaign in normal form. */
  readonly target: string;
  readonly adId: string;
  readonly outcome: ServingOutcome;
  /** In the ranking, from 1, before anything was filtered. */
  readonly ownRank: number;
  /** Ads that the page asked for. */
  readonly slots: number;
  /** Won slot and price; null when not won. */
  readonly slot: number | null;
  readonly priceKrw: number | null;
  readonly rankScore: number;
  readonly maxCpcKrw: number;
  readonly predictedCtrPpm: number;
  /** Null when a slot stayed free: then nobody had to be beaten. */
  readonly lowestWinningScore: number | null;
  readonly lowestWinningPriceKrw: number | null;
}

/** How often the ads of a campaign stood in an auction's ranking; an estimate as far as not all were examined. */
export function consideredIn(counts: OutcomeCounts): number {
  return SERVING_OUTCOMES.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0);
}

/** Auctions in which a slot could have been won: not those where an own ad that ranked higher took part instead. */
export const chancesIn = (counts: OutcomeCounts) =>
  consideredIn(counts) - countOfReason(counts, 'sibling_ranked_higher').count;

/** How often this became of the ads, in the seller's words, and how much of it was counted by samples. */
export function countOfReason(
  counts: OutcomeCounts,
  reason: NoBidReason,
): { count: number; sampled: number } {
  const unseen = SAMPLED[reason];
  const sampled = unseen === undefined ? 0 : (counts[unseen] ?? 0);
  return { count: (counts[reason] ?? 0) + sampled, sampled };
}

const SAMPLED: Readonly<Partial<Record<NoBidReason, ServingOutcome>>> = {
  outranked: 'not_examined',
  sibling_ranked_higher: 'sibling_not_examined',
};

/** Both together, outcome by outcome. */
export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return Object.fromEntries(
    SERVING_OUTCOMES.map((outcome) => [outcome, (a[outcome] ?? 0) + (b[outcome] ?? 0)]),
  );
}

export interface CountedReason {
  readonly reason: NoBidReason;
  /** Its stable number, as in metrics. */
  readonly number: number;
  readonly count: number;
  /** Of all that was considered, 0 to 1. */
  readonly share: number;
  readonly isEstimate: boolean;
}

export interface OutcomeSummary {
  readonly considered: number;
  readonly examined: number;
  readonly won: number;
  /** Null when nothing was considered. */
  readonly winRate: number | null;
  readonly reasons: readonly CountedReason[];
  readonly isEstimate: boolean;
}

/**
 * What a seller reads: the commonest reason first. The rate is won per auction in which an ad took part or could
 * have, so that two ads do not halve the rate.
 */
export function summariseOutcomes(counts: OutcomeCounts): OutcomeSummary {
  const considered = consideredIn(counts);
  const sampled = (counts.not_examined ?? 0) + (counts.sibling_not_examined ?? 0);
  const won = counts.won ?? 0;
  const chances = chancesIn(counts);
  const reasons = SERVING_OUTCOMES.flatMap((reason): CountedReason[] => {
    if (reason === 'won' || reason === 'not_examined' || reason === 'sibling_not_examined') return [];
    const { count, sampled: estimated } = countOfReason(counts, reason);
    if (count === 0) return [];
    const share = rounded(count / considered);
    return [{ reason, number: NO_BID_REASONS[reason], count, share, isEstimate: estimated > 0 }];
  });
  return {
    considered,
    examined: considered - sampled,
    won,
    winRate: chances > 0 ? rounded(won / chances) : null,
    reasons: reasons.sort((a, b) => b.count - a.count || a.number - b.number),
    isEstimate: sampled > 0,
  };
}

/** Four decimals: shares are read by people. */
const rounded = (share: number) => Math.round(share * 10_000) / 10_000;

/** How far a seller may see the lowest winner: a tenth of the score ratio, and a hundred won of the price. */
const RATIO_STEP = 10;
const PRICE_LEVEL_KRW = 100;

export type SellerSample = Omit<ServingSample, 'lowestWinningScore' | 'lowestWinningPriceKrw'> & {
  /** Score of the lowest winner over the own one, to a tenth. */
  readonly lowestWinningScoreRatio: number | null;
  /** Price of the lowest winner, rounded up to 100 won. */
  readonly lowestWinningPriceLevelKrw: number | null;
};

/** A sample without anything from which another advertiser's bid could be computed. */
export function sampleForSeller(sample: ServingSample): SellerSample {
  const { lowestWinningScore: score, lowestWinningPriceKrw: priceKrw, ...own } = sample;
  return {
    ...own,
    lowestWinningScoreRatio:
      score === null || own.rankScore === 0
        ? null
        : Math.round((score / own.rankScore) * RATIO_STEP) / RATIO_STEP,
    lowestWinningPriceLevelKrw:
      priceKrw === null ? null : Math.ceil(priceKrw / PRICE_LEVEL_KRW) * PRICE_LEVEL_KRW,
  };
}
