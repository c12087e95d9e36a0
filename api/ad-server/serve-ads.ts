import type { Logger } from 'pino';
import type { AdQuery, AdQueryResult, NoFillReason } from '../../contracts/http/ad-server.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { type AuctionResult, runAuction, type Winner } from '../../domain/auction.js';
import { HOME_TARGET, normaliseKeyword } from '../../domain/placement.js';
import { assertNever, ok, type Result } from '../../domain/result.js';
import { type Audience, matchesTargeting } from '../../domain/targeting.js';
import type { BudgetSignalCopy } from '../../infra/budget-signal-copy.js';
import { type ClickTokens, newRequestId } from '../../infra/click-token.js';
import { keyedHash } from '../../infra/ids.js';
import type { RankingCopy } from '../../infra/ranking-copy.js';
import type { ServedLog } from '../../infra/served-log.js';
import type { ServingStopCopy } from '../../infra/serving-stop-copy.js';
import type { FieldFailure } from '../kit/problem.js';
import type { FallbackRankings } from './fallback-rankings.js';
import type { AdServerMetrics } from './metrics.js';
import { TargetingCache } from './targeting-cache.js';
import type { VisitPage, VisitPages } from './visit-pages.js';

/** Hears of every auction, for "why is my ad not showing"; must be cheap and never throw. */
export interface AuctionNotes {
  note(
    auction: AuctionResult<RankingEntry>,
    query: AdQuery,
    requestId: string,
    ranked: readonly RankingEntry[],
  ): void;
}

export interface ServeAdsDeps {
  readonly rankings: Pick<RankingCopy, 'ranking' | 'current'>;
  readonly fallback: Pick<FallbackRankings, 'ranking'>;
  readonly stops: Pick<ServingStopCopy, 'isCampaignStopped' | 'isAdvertiserStopped'>;
  /** Money near its end, and who spends evenly. */
  readonly budgets: Pick<BudgetSignalCopy, 'leftKrw' | 'isPaced'>;
  readonly reasons: AuctionNotes;
  readonly tokens: ClickTokens;
  readonly pages: Pick<VisitPages, 'open' | 'next'>;
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

/** Refused is only a page token that is not ours for this query; everything else has an answer. */
export type Served = Result<AdQueryResult, FieldFailure>;
export type ServeAds = (query: AdQuery) => Served | Promise<Served>;

/** One query on its way to an answer. */
interface Asked {
  readonly query: AdQuery;
  readonly requestId: string;
  readonly target: string;
  readonly page: VisitPage;
  readonly now: number;
}

/** The answer to an ad query: from memory alone, or from the database while the ranking cannot be had. */
export function createServeAds(deps: ServeAdsDeps): ServeAds {
  const answer = createAuctioneer(deps);
  return (query) => {
    const now = deps.now();
    const target = targetOf(query);
    const page = deps.pages.open(query, target, now);
    if (!page.ok) return page;
    const asked: Asked = { query, requestId: newRequestId(), target, page: page.value, now };
    if (deps.isClickPathDown()) return noFill(deps, asked, 'click_path_down');
    const ranked = deps.rankings.ranking(query.placement, target);
    if (ranked !== undefined) return answer(asked, ranked);
    if (deps.rankings.current) return noFill(deps, asked, 'no_candidates');
    return deps.fallback
      .ranking(query.placement, target)
      .then((found) => (found === null ? noFill(deps, asked, 'ranking_unavailable') : answer(asked, found)));
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
  return (asked: Asked, ranked: readonly RankingEntry[]): Served => {
    const { query, requestId, page, now } = asked;
    if (ranked.length === 0) return noFill(deps, asked, 'no_candidates');
    const audience = audienceOf(query, now);
    const auction = runAuction(ranked, {
      maxAds: query.maxAds,
      firstSlot: page.shown.length + 1,
      now,
      viewedProductId: query.productId ?? null,
      isTargeted: (targeting) => matchesTargeting(targetings.get(targeting), audience),
      isCampaignStopped,
      isAdvertiserStopped,
      isAlreadyShown: page.isAlreadyShown,
      isPaced: (campaignId) => budgets.isPaced(campaignId, requestId, now),
      leftKrw: (campaignId, advertiserId) => budgets.leftKrw(campaignId, advertiserId, now),
    });
    deps.reasons.note(auction, query, requestId, ranked);
    for (const { reason } of auction.dropped) metrics.noBids[reason].inc();
    metrics.noBids.outranked.inc(ranked.length - auction.examined);
    untilSample -= 1;
    if (untilSample === 0) {
      untilSample = SAMPLE_EVERY;
      sample(deps.log, requestId, auction);
    }
    if (auction.winners.length > 0) return fill(deps, asked, auction.winners);
    const isOver = auction.dropped.some(({ reason }) => reason === 'already_shown');
    return noFill(deps, asked, isOver ? 'end_of_list' : 'all_filtered');
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
  { query, requestId, target, page, now }: Asked,
  winners: readonly Winner<RankingEntry>[],
): Served {
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
  const ads = winners.map(({ candidate: { adId, campaignId }, slot }) => ({ slot, adId, campaignId }));
  deps.servedLog.record({ requestId, placement, ads });
  deps.metrics.queries.filled.inc();
  const adIds = winners.map(({ candidate }) => candidate.adId);
  return ok({
    requestId,
    placement,
    clickToken,
    nextPageToken: deps.pages.next(page, query, target, { requestId, now, adIds }),
    ads: winners.map(({ candidate, slot }) => ({
      adId: candidate.adId,
      slot,
      productId: candidate.productId,
      campaignId: candidate.campaignId,
      advertiserId: candidate.advertiserId,
      label: '광고',
    })),
  });
}

/** Without ads there is nothing to click, so there is no token either. */
function noFill(deps: ServeAdsDeps, { query, requestId }: Asked, noFillReason: NoFillReason): Served {
  deps.metrics.queries[noFillReason].inc();
  return ok({ requestId, placement: query.placement, clickToken: '', ads: [], noFillReason });
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
