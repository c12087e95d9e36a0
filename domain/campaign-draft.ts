import { addDays, type BusinessDate, isBusinessDate } from './business-date.js';
import type { Pacing } from './pacing.js';
import { isPlacement, normaliseKeyword, type Placement } from './placement.js';
import type { Targeting } from './targeting.js';

/** What a seller types. Money is whole won, VAT included. */
export interface CampaignDraft {
  readonly name: string;
  /** First and last Korean day of serving, both included. */
  readonly startDate: string;
  readonly endDate: string;
  readonly dailyBudgetKrw: number;
  /** null: no limit but the balance and the end date. */
  readonly totalBudgetKrw: number | null;
  /** As fast as possible, when it is not said. */
  readonly pacing?: Pacing;
  /** Everybody, when it is not said. */
  readonly targeting?: Targeting;
  readonly productIds: readonly string[];
  readonly keywords: readonly string[];
  readonly bids: readonly { readonly placement: string; readonly maxCpcKrw: number }[];
}

export interface CampaignBid {
  readonly placement: Placement;
  readonly maxCpcKrw: number;
}

export interface CampaignKeyword {
  readonly keyword: string;
  readonly original: string;
}

export const KEYWORD_REVIEW_STATUSES = ['pending', 'approved', 'rejected'] as const;

/** A keyword as its reviewer left it. A rejected one is never served; its reason is for the seller. */
export interface ReviewedKeyword extends CampaignKeyword {
  readonly reviewStatus: (typeof KEYWORD_REVIEW_STATUSES)[number];
  readonly rejectionReason: string | null;
}

/** What the rules need to know besides the draft itself. */
export interface DraftContext {
  readonly today: BusinessDate;
  readonly bidFloorKrw: number;
  /** Products of the shop's feed that belong to this advertiser. */
  readonly ownProductIds: ReadonlySet<string>;
}

/** One thing to correct. `field` is the name (with index) that the form can point at. */
export interface DraftProblem {
  readonly field: string;
  readonly message: string;
  /** Only not there yet: no obstacle to saving a draft step by step, but to submitting it. */
  readonly missing?: true;
}

export const CAMPAIGN_LIMITS = {
  nameLength: 80,
  ads: 100,
  keywords: 200,
  keywordLength: 50,
  maxCpcKrw: 100_000,
  bidStepKrw: 10,
  /** A daily budget below this many clicks at the highest bid would end within minutes. */
  clicksPerDailyBudget: 10,
  dailyBudgetKrw: 1_000_000_000,
  totalBudgetKrw: 100_000_000_000,
  /** A longer campaign is a forgotten campaign: review it again after a year. */
  days: 366,
} as const;

/** Keywords in their normal form, first spelling kept, repeats and blanks left out. */
export function normaliseKeywords(keywords: readonly string[]): CampaignKeyword[] {
  const kept = new Map<string, CampaignKeyword>();
  for (const original of keywords) {
    const keyword = normaliseKeyword(original);
    if (keyword !== '' && !kept.has(keyword)) kept.set(keyword, { keyword, original: original.trim() });
  }
  return [...kept.values()];
}

/** Every problem of a draft together, in the order of the form; an empty list means that it may be submitted. */
export function campaignDraftProblems(draft: CampaignDraft, context: DraftContext): DraftProblem[] {
  return [
    ...nameProblems(draft.name),
    ...dateProblems(draft.startDate, draft.endDate, context.today),
    ...adProblems(draft.productIds, context.ownProductIds),
    ...keywordProblems(draft.keywords),
    ...bidProblems(draft.bids, context.bidFloorKrw),
    ...searchProblems(draft),
    ...budgetProblems(draft.dailyBudgetKrw, draft.totalBudgetKrw, highestBid(draft.bids)),
  ];
}

function nameProblems(name: string): DraftProblem[] {
  const length = [...name.trim()].length;
  if (length === 0) return [{ field: 'name', message: 'a campaign needs a name' }];
  if (length > CAMPAIGN_LIMITS.nameLength)
    return [{ field: 'name', message: `at most ${CAMPAIGN_LIMITS.nameLength} characters` }];
  return [];
}

function dateProblems(startDate: string, endDate: string, today: BusinessDate): DraftProblem[] {
  const problems: DraftProblem[] = [];
  if (!isBusinessDate(startDate)) problems.push({ field: 'startDate', message: 'not a date (YYYY-MM-DD)' });
  if (!isBusinessDate(endDate)) problems.push({ field: 'endDate', message: 'not a date (YYYY-MM-DD)' });
  if (!isBusinessDate(startDate) || !isBusinessDate(endDate)) return problems;
  if (endDate < startDate) problems.push({ field: 'endDate', message: 'must not be before the start date' });
  else if (endDate < today) problems.push({ field: 'endDate', message: 'is already over' });
  if (endDate > addDays(startDate, CAMPAIGN_LIMITS.days - 1))
    problems.push({ field: 'endDate', message: `at most ${CAMPAIGN_LIMITS.days} days after the start` });
  return problems;
}

function adProblems(productIds: readonly string[], own: ReadonlySet<string>): DraftProblem[] {
  if (productIds.length === 0)
    return [{ field: 'productIds', message: 'advertise at least one product', missing: true }];
  const problems: DraftProblem[] = [];
  if (productIds.length > CAMPAIGN_LIMITS.ads)
    problems.push({ field: 'productIds', message: `at most ${CAMPAIGN_LIMITS.ads} products` });
  const seen = new Set<string>();
  productIds.forEach((productId, index) => {
    const field = `productIds[${index}]`;
    if (seen.has(productId)) problems.push({ field, message: 'this product is listed twice' });
    else if (!own.has(productId)) problems.push({ field, message: 'not a product of this advertiser' });
    seen.add(productId);
  });
  return problems;
}

function keywordProblems(keywords: readonly string[]): DraftProblem[] {
  const problems: DraftProblem[] = [];
  if (normaliseKeywords(keywords).length > CAMPAIGN_LIMITS.keywords)
    problems.push({ field: 'keywords', message: `at most ${CAMPAIGN_LIMITS.keywords} different keywords` });
  keywords.forEach((text, index) => {
    const length = [...normaliseKeyword(text)].length;
    const field = `keywords[${index}]`;
    if (length === 0) problems.push({ field, message: 'holds nothing to search for' });
    if (length > CAMPAIGN_LIMITS.keywordLength)
      problems.push({ field, message: `at most ${CAMPAIGN_LIMITS.keywordLength} characters` });
  });
  return problems;
}

/** Problems of a list of bids; also used when bids change while the campaign serves. */
export function bidProblems(bids: CampaignDraft['bids'], bidFloorKrw: number): DraftProblem[] {
  if (bids.length === 0) return [{ field: 'bids', message: 'bid for at least one placement', missing: true }];
  const problems: DraftProblem[] = [];
  const seen = new Set<string>();
  bids.forEach(({ placement, maxCpcKrw }, index) => {
    const field = `bids[${index}]`;
    if (!isPlacement(placement)) problems.push({ field: `${field}.placement`, message: 'unknown placement' });
    if (seen.has(placement))
      problems.push({ field: `${field}.placement`, message: 'this placement is listed twice' });
    seen.add(placement);
    const message = bidAmountProblem(maxCpcKrw, bidFloorKrw);
    if (message !== null) problems.push({ field: `${field}.maxCpcKrw`, message });
  });
  return problems;
}

function bidAmountProblem(maxCpcKrw: number, bidFloorKrw: number): string | null {
  const { bidStepKrw, maxCpcKrw: ceilingKrw } = CAMPAIGN_LIMITS;
  if (!Number.isSafeInteger(maxCpcKrw)) return 'must be whole won';
  if (maxCpcKrw < bidFloorKrw) return `at least ${bidFloorKrw} won`;
  if (maxCpcKrw > ceilingKrw) return `at most ${ceilingKrw} won`;
  return maxCpcKrw % bidStepKrw === 0 ? null : `in steps of ${bidStepKrw} won`;
}

/** A bid for SEARCH without a keyword can never be shown. */
export function searchProblems(draft: Pick<CampaignDraft, 'bids' | 'keywords'>): DraftProblem[] {
  const searches = draft.bids.some((bid) => bid.placement === 'SEARCH');
  if (!searches || normaliseKeywords(draft.keywords).length > 0) return [];
  return [{ field: 'keywords', message: 'a bid for SEARCH needs at least one keyword', missing: true }];
}

/** Problems of the budgets; also used when budgets change while the campaign serves. */
export function budgetProblems(
  dailyBudgetKrw: number,
  totalBudgetKrw: number | null,
  highestBidKrw: number,
): DraftProblem[] {
  const {
    clicksPerDailyBudget,
    dailyBudgetKrw: dailyCeiling,
    totalBudgetKrw: totalCeiling,
  } = CAMPAIGN_LIMITS;
  const problems: DraftProblem[] = [];
  const lowestKrw = clicksPerDailyBudget * highestBidKrw;
  if (!Number.isSafeInteger(dailyBudgetKrw) || dailyBudgetKrw <= 0)
    problems.push({ field: 'dailyBudgetKrw', message: 'must be whole won above zero' });
  else if (dailyBudgetKrw < lowestKrw)
    problems.push({
      field: 'dailyBudgetKrw',
      message: `at least ${lowestKrw} won: ${clicksPerDailyBudget} clicks at the highest bid`,
    });
  else if (dailyBudgetKrw > dailyCeiling)
    problems.push({ field: 'dailyBudgetKrw', message: `at most ${dailyCeiling} won` });
  if (totalBudgetKrw === null) return problems;
  if (!Number.isSafeInteger(totalBudgetKrw) || totalBudgetKrw <= 0)
    problems.push({ field: 'totalBudgetKrw', message: 'must be whole won above zero' });
  else if (totalBudgetKrw < dailyBudgetKrw)
    problems.push({ field: 'totalBudgetKrw', message: 'must not be below the daily budget' });
  else if (totalBudgetKrw > totalCeiling)
    problems.push({ field: 'totalBudgetKrw', message: `at most ${totalCeiling} won` });
  return problems;
}

export function highestBid(bids: CampaignDraft['bids']): number {
  return bids.reduce((highest, bid) => Math.max(highest, bid.maxCpcKrw), 0);
}
