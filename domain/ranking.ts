import { MAX_ADS_PER_ADVERTISER_IN_RANKING } from './placement.js';

/** Parameters of the ranking; one row, published as `RANKING_PARAMETERS_CHANGED`. All integers. */
export interface RankingParameters {
  /** Rising; every ranking names the version that it was computed with. */
  readonly version: number;
  /** Clicks that a new ad is assumed to have had, in thousandths. */
  readonly priorClicksMilli: number;
  /** Position-weighted impressions that a new ad is assumed to have had, in thousandths. */
  readonly priorImpressionsMilli: number;
  /** Lowest price of a click, and the lowest bid that takes part. */
  readonly bidFloorKrw: number;
}

/** An optimistic start: 2 % until the ad's own numbers outweigh 200 impressions. */
export const DEFAULT_RANKING_PARAMETERS: RankingParameters = {
  version: 1,
  priorClicksMilli: 4_000,
  priorImpressionsMilli: 200_000,
  bidFloorKrw: 50,
};

/**
 * How likely a shopper is to look at a slot, in thousandths (slot 1 = 1,000). An impression counts with
 * this weight, so that an ad is not blamed for standing low. Geometric decay, floor 100:
 * the "examination hypothesis" of Craswell et al., "An experimental comparison of click position-bias
 * models" (WSDM 2008), with a fixed curve.
 */
export const SLOT_WEIGHTS_MILLI = [1000, 850, 720, 610, 520, 440, 370, 310, 260, 220] as const;
export const LOWEST_SLOT_WEIGHT_MILLI = 200;

export function slotWeightMilli(slot: number): number {
  return SLOT_WEIGHTS_MILLI[slot - 1] ?? LOWEST_SLOT_WEIGHT_MILLI;
}

/**
 * Smoothed click-through rate in parts per million, capped at 1,000,000:
 * `floor((clicks * 1000 + priorClicksMilli) * 1_000_000 / (weightedImpressionsMilli + priorImpressionsMilli))`.
 * Integer division only, so that Flink, TypeScript and SQL agree to the unit.
 */
export function predictedCtrPpm(
  clicks: number,
  weightedImpressionsMilli: number,
  parameters: Pick<RankingParameters, 'priorClicksMilli' | 'priorImpressionsMilli'>,
): number {
  const numerator = BigInt(clicks * 1000 + parameters.priorClicksMilli) * 1_000_000n;
  const denominator = BigInt(weightedImpressionsMilli + parameters.priorImpressionsMilli);
  const ppm = Number(numerator / denominator);
  return Math.min(ppm, 1_000_000);
}

/** `maxCpcKrw * predictedCtrPpm`: won per million impressions. Below 2^53 for every bid up to 9 million won. */
export function rankScore(maxCpcKrw: number, ctrPpm: number): number {
  return maxCpcKrw * ctrPpm;
}

export interface Ranked {
  readonly adId: string;
  readonly advertiserId: string;
  readonly rankScore: number;
}

/** Total order: higher score first, ties by ad id ascending (UTF-16 code units, as in Flink and SQL "C"). */
export function compareRanked(a: Ranked, b: Ranked): number {
  if (a.rankScore !== b.rankScore) return b.rankScore - a.rankScore;
  return a.adId < b.adId ? -1 : a.adId > b.adId ? 1 : 0;
}

/** The ranking of one key: at most three ads of one advertiser, then the best `depth`. */
export function topRanked<T extends Ranked>(candidates: readonly T[], depth: number): T[] {
  const taken = new Map<string, number>();
  const kept: T[] = [];
  for (const candidate of [...candidates].sort(compareRanked)) {
    const count = taken.get(candidate.advertiserId) ?? 0;
    if (count >= MAX_ADS_PER_ADVERTISER_IN_RANKING) continue;
    taken.set(candidate.advertiserId, count + 1);
    kept.push(candidate);
    if (kept.length === depth) break;
  }
  return kept;
}
