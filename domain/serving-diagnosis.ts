import type { NoBidReason } from './auction.js';
import { businessDateOf, SEOUL_OFFSET_MS } from './business-date.js';
import { CAMPAIGN_LIMITS, type CampaignBid, type ReviewedKeyword } from './campaign-draft.js';
import { servingWindow } from './campaign-snapshot.js';
import type { Placement } from './placement.js';
import {
  addCounts,
  chancesIn,
  consideredIn,
  countOfReason,
  type OutcomeCounts,
  type PlacementCounts,
  type ServingSample,
} from './serving-outcome.js';
import { isStopActive, type StopState } from './serving-stop.js';
import { EVERYBODY, matchesTargeting, type Targeting } from './targeting.js';

/** In order of importance: what a seller should look at first stands first. */
export const FINDING_CODES = [
  'draft',
  'rejected',
  'in_review',
  'ended',
  'period_over',
  'not_started',
  'paused',
  'payment_reversed',
  'balance_exhausted',
  'balance_below_floor',
  'total_budget_exhausted',
  'daily_budget_exhausted',
  'bid_below_floor',
  'keywords_rejected',
  'not_acknowledged',
  'outside_schedule',
  'outside_ranking',
  'no_queries',
  'below_shown_range',
  'targeting_narrow',
  'cannot_afford',
  'paced',
  'not_won_yet',
  'viewed_product',
  'own_siblings',
  'already_shown',
  'served',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];
export type Severity = 'blocking' | 'limiting' | 'info';

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly facts: Readonly<Record<string, string | number | null>>;
}

export const SERVING_STATUSES = [
  'draft',
  'in_review',
  'rejected',
  'ended',
  'scheduled',
  'paused',
  'stopped',
  'waiting',
  'serving',
] as const;
export type CampaignServingStatus = (typeof SERVING_STATUSES)[number];

/** What the ad servers and the ranking told of this campaign. */
export interface LiveFacts {
  /** The running clock hour and the one before. */
  readonly lastHour: PlacementCounts;
  /** The running clock hour and the 24 before. */
  readonly lastDay: PlacementCounts;
  /** Newest first. */
  readonly samples: readonly ServingSample[];
  /** Newest version that the ranking has taken in; null: none. */
  readonly acknowledgedVersion: number | null;
  /** Whether an ad of it stands in any ranking; null: not looked at. */
  readonly isRanked: boolean | null;
}

export interface DiagnosisFacts {
  /** Epoch ms, business clock. */
  readonly now: number;
  readonly campaign: {
    readonly status: 'draft' | 'enabled' | 'paused' | 'ended';
    readonly reviewStatus: 'none' | 'pending' | 'approved' | 'rejected';
    readonly startDate: `${number}-${number}-${number}`;
    readonly endDate: `${number}-${number}-${number}`;
    readonly targeting: Targeting;
    readonly servingVersion: number;
    readonly keywords: readonly Pick<ReviewedKeyword, 'reviewStatus'>[];
    readonly bids: readonly CampaignBid[];
  };
  readonly campaignStop: StopState | null;
  readonly advertiserStop: StopState | null;
  readonly balanceKrw: number;
  readonly bidFloorKrw: number;
  /** Null while the store of live numbers cannot be read. */
  readonly live: LiveFacts | null;
}

/** Shares are not judged below this many auctions: a handful says nothing. */
const LEAST_AUCTIONS = 20;
const HOUR_MS = 3_600_000;
const HOURS_PER_WEEK = 7 * 24;
/** The bid that is needed is the middle of so many newest samples. */
const SAMPLES_JUDGED = 5;

/** Everything that keeps this campaign from being shown, or shown more; empty only while nothing live is known. */
export function diagnoseServing(facts: DiagnosisFacts): Finding[] {
  const beforeServing = lifecycleFindings(facts);
  if (beforeServing.some((finding) => finding.severity === 'blocking')) return beforeServing;
  const found = [
    ...beforeServing,
    ...periodFindings(facts),
    ...moneyFindings(facts),
    ...bidFindings(facts),
    ...keywordFindings(facts),
    ...rankingFindings(facts),
    ...scheduleFindings(facts),
    ...auctionFindings(facts),
  ];
  const isBlocked = found.some((finding) => finding.severity === 'blocking');
  const limits = found.filter((finding) => finding.severity === 'limiting').length;
  const all = isBlocked ? found : [...found, ...demandFindings(facts, limits)];
  return all.sort(byImportance);
}

const SEVERITIES: readonly Severity[] = ['blocking', 'limiting', 'info'];

function byImportance(a: Finding, b: Finding): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code)
  );
}

const STATUS_OF: Partial<Record<FindingCode, CampaignServingStatus>> = {
  draft: 'draft',
  in_review: 'in_review',
  rejected: 'rejected',
  ended: 'ended',
  period_over: 'ended',
  not_started: 'scheduled',
  outside_schedule: 'scheduled',
  paused: 'paused',
  payment_reversed: 'stopped',
  balance_exhausted: 'stopped',
  balance_below_floor: 'stopped',
  total_budget_exhausted: 'stopped',
  daily_budget_exhausted: 'stopped',
  bid_below_floor: 'stopped',
  keywords_rejected: 'stopped',
  not_acknowledged: 'waiting',
};

/** The derived third fact of a campaign: what most important obstacle it has, else that it is served. */
export function servingStatusOf(findings: readonly Finding[]): CampaignServingStatus {
  const blocking = findings.find((finding) => finding.severity === 'blocking');
  return (blocking && STATUS_OF[blocking.code]) ?? 'serving';
}

const finding = (code: FindingCode, severity: Severity, facts: Finding['facts'] = {}): Finding => ({
  code,
  severity,
  facts,
});

/** An approved version goes on serving while a change of it is looked at. */
function lifecycleFindings({ campaign }: DiagnosisFacts): Finding[] {
  const { status, reviewStatus, servingVersion } = campaign;
  const severity = servingVersion === 0 ? 'blocking' : 'info';
  if (status === 'ended') return [finding('ended', 'blocking', { endDate: campaign.endDate })];
  if (reviewStatus === 'rejected') return [finding('rejected', severity)];
  if (reviewStatus === 'pending') return [finding('in_review', severity)];
  return status === 'draft' ? [finding('draft', 'blocking')] : [];
}

function periodFindings({ campaign, now }: DiagnosisFacts): Finding[] {
  const { startAt, endAt } = servingWindow(campaign);
  const { startDate, endDate } = campaign;
  if (now < startAt) return [finding('not_started', 'blocking', { startDate })];
  return now >= endAt ? [finding('period_over', 'blocking', { endDate })] : [];
}

/** Stops of the campaign and of the company; each reason once. */
function moneyFindings(facts: DiagnosisFacts): Finding[] {
  const { campaign, campaignStop, advertiserStop, balanceKrw, bidFloorKrw, now } = facts;
  const today = businessDateOf(now);
  const found = new Map<FindingCode, Finding>();
  for (const stop of [advertiserStop, campaignStop]) {
    if (!isStopActive(stop, today) || found.has(stop.reason)) continue;
    found.set(stop.reason, finding(stop.reason, 'blocking', { untilDate: stop.untilDate, balanceKrw }));
  }
  if (campaign.status === 'paused') found.set('paused', finding('paused', 'blocking', { untilDate: null }));
  if (balanceKrw < bidFloorKrw && !found.has('balance_exhausted')) {
    found.set('balance_below_floor', finding('balance_below_floor', 'blocking', { balanceKrw, bidFloorKrw }));
  }
  return [...found.values()];
}

/** A floor that was raised after the bid was made. */
function bidFindings({ campaign: { bids }, bidFloorKrw }: DiagnosisFacts): Finding[] {
  const below = bids.filter((bid) => bid.maxCpcKrw < bidFloorKrw);
  const severity = below.length === bids.length ? 'blocking' : 'limiting';
  return below.map(({ placement, maxCpcKrw }) =>
    finding('bid_below_floor', severity, { placement, maxCpcKrw, bidFloorKrw }),
  );
}

function keywordFindings({ campaign: { bids, keywords } }: DiagnosisFacts): Finding[] {
  const searches = bids.some((bid) => bid.placement === 'SEARCH');
  if (!searches || keywords.some((keyword) => keyword.reviewStatus !== 'rejected')) return [];
  const severity = bids.length === 1 ? 'blocking' : 'limiting';
  return [finding('keywords_rejected', severity, { keywords: keywords.length })];
}

/** Before the first version is taken in nothing is served; after that the older version is. */
function rankingFindings({ campaign, live }: DiagnosisFacts): Finding[] {
  if (live === null) return [];
  const { servingVersion } = campaign;
  const { acknowledgedVersion } = live;
  if ((acknowledgedVersion ?? 0) >= servingVersion) return [];
  const severity = acknowledgedVersion === null ? 'blocking' : 'limiting';
  return [finding('not_acknowledged', severity, { servingVersion, acknowledgedVersion })];
}

function scheduleFindings({ campaign, now }: DiagnosisFacts): Finding[] {
  if (isScheduled(campaign.targeting, now)) return [];
  const nextHour = (Math.floor(now / HOUR_MS) + 1) * HOUR_MS;
  const { endAt } = servingWindow(campaign);
  for (let hour = 0; hour < HOURS_PER_WEEK; hour += 1) {
    const at = nextHour + hour * HOUR_MS;
    if (at >= endAt) break;
    if (isScheduled(campaign.targeting, at))
      return [finding('outside_schedule', 'blocking', { opensAt: koreanTime(at) })];
  }
  return [finding('outside_schedule', 'blocking', { opensAt: null })];
}

function isScheduled({ daysOfWeek, hours }: Targeting, now: number): boolean {
  const audience = { now, deviceType: null, region: null, segments: [] };
  return matchesTargeting({ ...EVERYBODY, daysOfWeek, hours }, audience);
}

/** `YYYY-MM-DD HH:MM` in Korea. */
const koreanTime = (epochMs: number) =>
  new Date(epochMs + SEOUL_OFFSET_MS).toISOString().slice(0, 16).replace('T', ' ');

/** What the auctions of each placement say, by the last hour, or by the last day when that is too little. */
function auctionFindings(facts: DiagnosisFacts): Finding[] {
  const { live, campaign } = facts;
  if (live === null) return [];
  return campaign.bids.flatMap((bid) => {
    const { placement } = bid;
    const recent = consideredIn(live.lastHour[placement]) >= LEAST_AUCTIONS;
    const counts = recent ? live.lastHour[placement] : live.lastDay[placement];
    const considered = consideredIn(counts);
    if (considered < LEAST_AUCTIONS) return [];
    const window: Window = recent ? 'last_hour' : 'last_day';
    const samples = live.samples.filter((sample) => sample.placement === placement);
    return [
      ...belowShownRange(bid, counts, samples, window),
      ...shareFindings(placement, counts, considered, window),
    ];
  });
}

type Window = 'last_hour' | 'last_day';
const percent = (part: number, whole: number) => Math.round((100 * part) / whole);

/** Reasons that are worth a word from this percentage of all auctions on. */
const SHARES: readonly [NoBidReason, number, FindingCode, Severity][] = [
  ['not_targeted', 50, 'targeting_narrow', 'limiting'],
  ['cannot_afford', 10, 'cannot_afford', 'limiting'],
  ['paced', 20, 'paced', 'limiting'],
  ['viewed_product', 20, 'viewed_product', 'info'],
  ['sibling_ranked_higher', 30, 'own_siblings', 'info'],
  ['already_shown', 30, 'already_shown', 'info'],
];

function shareFindings(
  placement: Placement,
  counts: OutcomeCounts,
  considered: number,
  window: Window,
): Finding[] {
  return SHARES.flatMap(([reason, leastPercent, code, severity]) => {
    const sharePercent = percent(countOfReason(counts, reason).count, considered);
    if (sharePercent < leastPercent) return [];
    return [finding(code, severity, { placement, sharePercent, window })];
  });
}

const isLost = ({ outcome }: ServingSample) => outcome === 'outranked';

/** From this percentage of the auctions in which it competed on, a campaign stands below the shown range. */
const LOST_PERCENT = 50;

function belowShownRange(
  bid: CampaignBid,
  counts: OutcomeCounts,
  samples: readonly ServingSample[],
  window: Window,
): Finding[] {
  const outranked = countOfReason(counts, 'outranked').count;
  const competed = outranked + (counts.won ?? 0);
  if (competed === 0 || percent(outranked, competed) < LOST_PERCENT) return [];
  const lost = samples.filter(isLost).filter(({ maxCpcKrw }) => maxCpcKrw === bid.maxCpcKrw);
  const newest = samples
    .filter((sample) => sample.outcome === 'won' || isLost(sample))
    .slice(0, SAMPLES_JUDGED);
  // The counts still hold auctions of an older bid. Nobody is told to raise a bid that has not lost since it was made.
  if (newest.length > 0 && !newest.some((sample) => lost.includes(sample))) return [];
  const needed = neededBid(lost.slice(0, SAMPLES_JUDGED));
  return [
    finding('below_shown_range', 'limiting', {
      placement: bid.placement,
      lostPercent: percent(outranked, competed),
      window,
      maxCpcKrw: bid.maxCpcKrw,
      ownRank: lost[0]?.ownRank ?? null,
      slots: lost[0]?.slots ?? null,
      neededBidKrw: needed,
      estimatedFromSamples: needed === null ? 0 : Math.min(lost.length, SAMPLES_JUDGED),
    }),
  ];
}

/**
 * An estimate: the middle of what would have been needed in these auctions to stand before their lowest winner,
 * `floor(score / own predicted CTR) + 1` won, rounded up to the step of bids. Null: unknown, or more than may be bid.
 */
export function neededBid(samples: readonly ServingSample[]): number | null {
  const needed = samples.flatMap(({ lowestWinningScore, predictedCtrPpm }) =>
    lowestWinningScore === null || predictedCtrPpm <= 0
      ? []
      : [Math.floor(lowestWinningScore / predictedCtrPpm) + 1],
  );
  const middle = needed.sort((a, b) => a - b)[Math.floor(needed.length / 2)];
  if (middle === undefined) return null;
  const { bidStepKrw, maxCpcKrw } = CAMPAIGN_LIMITS;
  const bidKrw = Math.ceil(middle / bidStepKrw) * bidStepKrw;
  return bidKrw <= maxCpcKrw ? bidKrw : null;
}

/** Nothing stands in its way: is it asked for at all, and shown? `limits`: how much was found that could be better. */
function demandFindings({ campaign, live }: DiagnosisFacts, limits: number): Finding[] {
  if (live === null) return [];
  const ofAll = (counts: PlacementCounts) => Object.values(counts).reduce(addCounts, {});
  const day = ofAll(live.lastDay);
  if (consideredIn(day) === 0) {
    if (live.isRanked === false) return [finding('outside_ranking', 'limiting')];
    return [finding('no_queries', 'limiting', { keywords: campaign.keywords.length })];
  }
  const won = day.won ?? 0;
  // Of two ads in one auction one can win: counted by auctions, not by ads. Only siblings: another campaign stood in.
  const auctions = chancesIn(day);
  if (won === 0) return [finding('not_won_yet', 'limiting', { considered: auctions || consideredIn(day) })];
  return [finding('served', 'info', { won, sharePercent: percent(won, auctions), limits })];
}
