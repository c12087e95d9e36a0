import type { RankingParameters } from './ranking.js';

/** Fewer impressions than this say nothing about a whole shop. */
const IMPRESSIONS_TO_JUDGE = 10_000;
const LARGEST_CHANGE_PERCENT = 20;
/** A new ad starts optimistic: at this multiple of what an ordinary one achieves. */
const OPTIMISM_PERCENT = 150;
/** A smaller change is not worth a person's time. */
const SMALLEST_CHANGE_PERCENT = 5;

export interface PriorProposal {
  readonly priorClicksMilli: number;
  readonly reason: string;
}

/** Moves what a new ad is assumed to achieve towards what ads achieve, at most 20 % a quarter; null: it fits. */
export function proposePriors(
  facts: { readonly impressions: number; readonly clicks: number },
  current: RankingParameters,
): PriorProposal | null {
  if (facts.impressions < IMPRESSIONS_TO_JUDGE || facts.clicks === 0) return null;
  const ctr = facts.clicks / facts.impressions;
  const wanted = Math.round((ctr * OPTIMISM_PERCENT * current.priorImpressionsMilli) / 100);
  const percent = ((wanted - current.priorClicksMilli) * 100) / current.priorClicksMilli;
  if (Math.abs(percent) < SMALLEST_CHANGE_PERCENT) return null;
  const bounded = Math.max(-LARGEST_CHANGE_PERCENT, Math.min(LARGEST_CHANGE_PERCENT, percent));
  const priorClicksMilli = Math.round((current.priorClicksMilli * (100 + bounded)) / 100);
  const sign = bounded > 0 ? '+' : '';
  return {
    priorClicksMilli,
    reason: `CTR ${(ctr * 100).toFixed(2)} % of ${facts.impressions} impressions: prior clicks ${sign}${bounded.toFixed(1)} %`,
  };
}
