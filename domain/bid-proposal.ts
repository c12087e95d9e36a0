import { CAMPAIGN_LIMITS } from './campaign-draft.js';

/** One placement of a campaign over the last seven whole days. */
export interface BidFacts {
  readonly maxCpcKrw: number;
  readonly servedImpressions: number;
  readonly clicks: number;
  readonly spendKrw: number;
  readonly conversionValueKrw: number;
}

export interface BidProposal {
  readonly proposedMaxCpcKrw: number;
  readonly reason: 'sells_well' | 'sells_badly' | 'rarely_shown';
}

/** Below this many clicks the value of a click is chance. */
const CLICKS_TO_JUDGE = 30;
const GOOD_ROAS = 4;
const BAD_ROAS = 1;
const FEW_IMPRESSIONS = 100;
const LARGEST_CHANGE_PERCENT = 20;
const CAUTIOUS_CHANGE_PERCENT = 10;

/**
 * At most 20 % up or down in one week, in whole bid steps, between the floor and the ceiling; null: the bid is fine,
 * or there is too little to judge it by.
 */
export function proposeBid(facts: BidFacts, bidFloorKrw: number): BidProposal | null {
  const verdict = judge(facts);
  if (verdict === null) return null;
  const { bidStepKrw, maxCpcKrw: ceilingKrw } = CAMPAIGN_LIMITS;
  const changeKrw = Math.trunc((facts.maxCpcKrw * verdict.percent) / 100 / bidStepKrw) * bidStepKrw;
  const proposedMaxCpcKrw = facts.maxCpcKrw + changeKrw;
  const possible = proposedMaxCpcKrw >= bidFloorKrw && proposedMaxCpcKrw <= ceilingKrw;
  return changeKrw === 0 || !possible ? null : { proposedMaxCpcKrw, reason: verdict.reason };
}

function judge({ clicks, spendKrw, conversionValueKrw, servedImpressions }: BidFacts) {
  if (clicks >= CLICKS_TO_JUDGE && spendKrw > 0) {
    const roas = conversionValueKrw / spendKrw;
    if (roas >= GOOD_ROAS) return { percent: LARGEST_CHANGE_PERCENT, reason: 'sells_well' } as const;
    if (roas < BAD_ROAS) return { percent: -LARGEST_CHANGE_PERCENT, reason: 'sells_badly' } as const;
    return null;
  }
  if (servedImpressions >= FEW_IMPRESSIONS) return null;
  return { percent: CAUTIOUS_CHANGE_PERCENT, reason: 'rarely_shown' } as const;
}
