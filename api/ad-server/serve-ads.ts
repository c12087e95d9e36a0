import type { Logger } from 'pino';
import type { AdQuery, AdQueryResult, NoFillReason } from '../../contracts/http/ad-server.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { type AuctionResult, runAuction, type Winner } from '../../domain/auction.js';
import { HOME_TARGET, normaliseKeyword } from '../../domain/placement.js';
import { assertNever } from '../../domain/result.js';
import { type Audience, matchesTargeting } from '../../domain/targeting.js';
import { type ClickTokens, newRequestId } from '../../infra/click-token.js';
import { keyedHash } from '../../infra/ids.js';
import type { RankingCopy } from '../../infra/ranking-copy.js';
import type { ServedLog } from '../../infra/served-log.js';
import type { ServingStopCopy } from '../../infra/serving-stop-copy.js';
import type { FallbackRankings } from './fallback-rankings.js';
import type { AdServerMetrics } from './metrics.js';
import { TargetingCache } from './targeting-cache.js';

/** What is left of money near its end, and who spends evenly. Nothing said: enough, and no pacing. */
export interface BudgetSignals {
  leftKrw(campaignId: string, advertiserId: string, nowMs: number): number;
  isPaced(campaignId: string, requestId: string, nowMs: number): boolean;
}
export const NO_BUDGET_SIGNALS: BudgetSignals = {
  leftKrw: () => Number.POSITIVE_INFINITY,
  isPaced: () => false,
};

/** Hears of every auction, for "why is my ad not showing"; must be cheap and never throw. */
export interface AuctionNotes {
  note(auction: AuctionResult<RankingEntry>, query: AdQuery, requestId: string, rankedLength: number): void;
}
export const NO_AUCTION_NOTES: AuctionNotes = { note: () => undefined };

export interface ServeAdsDeps {
  readonly rankings: Pick<RankingCopy, 'ranking' | 'current'>;
  readonly fallback: Pick<FallbackRankings, 'ranking'>;
  readonly stops: Pick<ServingStopCopy, 'isCampaignStopped' | 'isAdvertiserStopped'>;
  readonly budgets: BudgetSignals;
  readonly reasons: AuctionNotes;
  readonly tokens: ClickTokens;
  readonly servedLog: Pick<ServedLog, 'record'>;
  /** Nothing could be charged for longer than we serve on trust. */
  readonly isClickPathDown: () => boolean;
  readonly hashKey: string;
  /** Epoch ms, business clock. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: AdServerMetrics;
}

/** One auction in so many is told in full at debug level: why did this ad not show? */
const SAMPLE_EVERY = 100;

export type ServeAds = (query: AdQuery) => AdQueryResult | Promise<AdQueryResult>;

/** The answer to an ad query: from memory alone, or from the database while the ranking cannot be had. */
export function createServeAds(deps: ServeAdsDeps): ServeAds {
  const answer = createAuctioneer(deps);
  return (query) => {
    const requestId = newRequestId();
    if (deps.isClickPathDown()) return noFill(deps, query, requestId, 'click_path_down');
    const target = targetOf(query);
    const ranked = deps.rankings.ranking(query.placement, target);
    if (ranked !== undefined) return answer(query, requestId, ranked);
    if (deps.rankings.current) return noFill(deps, query, requestId, 'no_candidates');
    return deps.fallback
      .ranking(query.placement, target)
      .then((found) =>
        found === null
          ? noFill(deps, query, requestId, 'ranking_unavailable')
          : answer(query, requestId, found),
      );
  };
}

/** The ranking that this query asks for. Validation has made sure that the field is there. */
export function targetOf(query: AdQuery): string {
  switch (query.placement) {
    case 'HOME':
      return HOME_TARGET;
    case 'CATEGORY':
    case 'PRODUCT_DETAIL':
      return query.category ?? '';
    case 'SEARCH':
      return normaliseKeyword(query.query ?? '');
    default:
      return assertNever(query.placement, 'placement');
  }
}

function createAuctioneer(deps: ServeAdsDeps) {
  const { stops, budgets, metrics } = deps;
  const isCampaignStopped = (id: string, now: number) => stops.isCampaignStopped(id, now);
  const isAdvertiserStopped = (id: string, now: number) => stops.isAdvertiserStopped(id, now);
  const targetings = new TargetingCache();
  let untilSample = SAMPLE_EVERY;
  return (query: AdQuery, requestId: string, ranked: readonly RankingEntry[]): AdQueryResult => {
    if (ranked.length === 0) return noFill(deps, query, requestId, 'no_candidates');
    const now = deps.now();
    const viewedProductId = query.productId ?? null;
    const auction = runAuction(ranked, {
      maxAds: query.maxAds,
      firstSlot: 1,
      now,
      viewedProductId,
      isTargeted: (targeting) => matchesTargeting(targetings.get(targeting), audienceOf(query, now)),
      isCampaignStopped,
      isAdvertiserStopped,
      isAlreadyShown: () => false,
      isPaced: (campaignId) => budgets.isPaced(campaignId, requestId, now),
      leftKrw: (campaignId, advertiserId) => budgets.leftKrw(campaignId, advertiserId, now),
    });
    deps.reasons.note(auction, query, requestId, ranked.length);
    for (const { reason } of auction.dropped) metrics.noBids[reason].inc();
    metrics.noBids.outranked.inc(ranked.length - auction.examined);
    untilSample -= 1;
    if (untilSample === 0) {
      untilSample = SAMPLE_EVERY;
      sample(deps.log, requestId, auction);
    }
    if (auction.winners.length === 0) return noFill(deps, query, requestId, 'all_filtered');
    return fill(deps, query, requestId, now, auction.winners);
  };
}

const audienceOf = ({ deviceType, region, segments }: AdQuery, now: number): Audience => ({
  now,
  deviceType: deviceType ?? null,
  region: region ?? null,
  segments: segments?.split(',') ?? [],
});

function fill(
  deps: ServeAdsDeps,
  query: AdQuery,
  requestId: string,
  now: number,
  winners: readonly Winner<RankingEntry>[],
): AdQueryResult {
  const { placement } = query;
  const clickToken = deps.tokens.sign({
    issuedAt: now,
    requestId,
    placement,
    deviceHash: keyedHash(deps.hashKey, 'device', query.deviceId),
    ads: winners.map(({ candidate, slot, priceKrw, runnerUpScore }) => ({
      adId: candidate.adId,
      campaignId: candidate.campaignId,
      advertiserId: candidate.advertiserId,
      productId: candidate.productId,
      slot,
      priceKrw,
      rankScore: candidate.rankScore,
      runnerUpScore,
      bidFloorKrw: candidate.bidFloorKrw,
      parametersVersion: candidate.parametersVersion,
    })),
  });
  deps.servedLog.record(
    winners.map(({ candidate: { adId, campaignId }, slot }) => ({
      requestId,
      placement,
      slot,
      adId,
      campaignId,
    })),
  );
  deps.metrics.queries.filled.inc();
  return {
    requestId,
    placement,
    clickToken,
    ads: winners.map(({ candidate, slot }) => ({
      adId: candidate.adId,
      slot,
      productId: candidate.productId,
      campaignId: candidate.campaignId,
      advertiserId: candidate.advertiserId,
      label: '광고',
    })),
  };
}

/** Without ads there is nothing to click, so there is no token either. */
function noFill(
  deps: ServeAdsDeps,
  query: AdQuery,
  requestId: string,
  noFillReason: NoFillReason,
): AdQueryResult {
  deps.metrics.queries[noFillReason].inc();
  return { requestId, placement: query.placement, clickToken: '', ads: [], noFillReason };
}

function sample(log: Logger, requestId: string, auction: AuctionResult<RankingEntry>): void {
  log.debug(
    {
      requestId,
      winners: auction.winners.map(({ candidate, priceKrw }) => ({ adId: candidate.adId, priceKrw })),
      dropped: auction.dropped.map(({ candidate, reason }) => ({
        adId: candidate.adId,
        campaignId: candidate.campaignId,
        reason,
      })),
    },
    'sampled auction',
  );
}
