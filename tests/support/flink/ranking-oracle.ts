import type { AdEvent } from '../../../contracts/events/ad-events.js';
import {
  type CampaignChanged,
  type CampaignEvent,
  type CampaignServingChanged,
  campaignEventSchema,
  type RankingParametersChanged,
} from '../../../contracts/events/campaign-events.js';
import type { RankingEntry } from '../../../contracts/ranking-entry.js';
import { type ClickThrough, clickThroughKey, countClickThrough } from '../../../domain/ctr.js';
import { HOME_TARGET, KEYWORD_RANKING_DEPTH, RANKING_DEPTH } from '../../../domain/placement.js';
import {
  DEFAULT_RANKING_PARAMETERS,
  predictedCtrPpm,
  type RankingParameters,
  rankScore,
  topRanked,
} from '../../../domain/ranking.js';
import { servedAdsOf } from '../served-ads.js';
import { adEventsIn } from './conversion-oracle.js';

/** `<placement>:<target>` to its ranking. */
export type Rankings = Readonly<Record<string, readonly RankingEntry[]>>;

/** The same of rows as they stand in a log: those of other types or shapes are skipped. */
export const rankingsOfRows = (campaignEvents: readonly unknown[], adEvents: readonly unknown[]): Rankings =>
  rankingsOf(campaignEventsIn(campaignEvents), adEventsIn(adEvents));

export const campaignEventsIn = (rows: readonly unknown[]): CampaignEvent[] =>
  rows.flatMap((row) => campaignEventSchema.safeParse(row).data ?? []);

/** What the statement rtb-ranking has to hold after this log, computed in one go with the rules of `domain/`. */
export function rankingsOf(
  campaignEvents: readonly CampaignEvent[],
  adEvents: readonly AdEvent[],
  closedUntilMs = Number.MAX_SAFE_INTEGER,
): Rankings {
  const campaigns = newest(campaignEvents.filter(isSnapshot), (event) => event.campaignId);
  const money = newest(campaignEvents.filter(isMoney), (event) => event.campaignId);
  const parameters = parametersOf(newest(campaignEvents.filter(isParameters), () => 'all').get('all'));
  const clickThrough = clickThroughOf(adEvents, closedUntilMs);

  const byKey = new Map<string, RankingEntry[]>();
  for (const campaign of campaigns.values()) {
    if (campaign.status !== 'enabled' || money.get(campaign.campaignId)?.stopped) continue;
    for (const { key, entry } of candidatesOf(campaign, parameters, clickThrough)) {
      byKey.set(key, [...(byKey.get(key) ?? []), entry]);
    }
  }
  return Object.fromEntries(
    [...byKey].map(([key, entries]) => [
      key,
      topRanked(entries, key.startsWith('SEARCH:') ? KEYWORD_RANKING_DEPTH : RANKING_DEPTH),
    ]),
  );
}

function* candidatesOf(
  campaign: CampaignChanged,
  parameters: RankingParameters,
  clickThrough: ReadonlyMap<string, ClickThrough>,
): Generator<{ key: string; entry: RankingEntry }> {
  for (const ad of campaign.ads) {
    for (const { placement, maxCpcKrw } of campaign.bids) {
      if (maxCpcKrw < parameters.bidFloorKrw) continue;
      const counts = clickThrough.get(clickThroughKey(ad.adId, placement));
      const ctrPpm = predictedCtrPpm(counts?.clicks ?? 0, counts?.weightedImpressionsMilli ?? 0, parameters);
      const entry: RankingEntry = {
        adId: ad.adId,
        campaignId: campaign.campaignId,
        advertiserId: campaign.advertiserId,
        productId: ad.productId,
        maxCpcKrw,
        predictedCtrPpm: ctrPpm,
        rankScore: rankScore(maxCpcKrw, ctrPpm),
        campaignVersion: campaign.version,
        parametersVersion: parameters.version,
        bidFloorKrw: parameters.bidFloorKrw,
        startAt: campaign.startAt,
        endAt: campaign.endAt,
      };
      for (const target of targetsOf(placement, ad.categoryId, campaign.keywords)) {
        yield { key: `${placement}:${target}`, entry };
      }
    }
  }
}

function targetsOf(placement: string, categoryId: string, keywords: readonly string[]): readonly string[] {
  if (placement === 'HOME') return [HOME_TARGET];
  return placement === 'SEARCH' ? [...new Set(keywords)] : [categoryId];
}

export function clickThroughOf(
  adEvents: readonly AdEvent[],
  closedUntilMs: number,
): ReadonlyMap<string, ClickThrough> {
  const served = adEvents.flatMap((event) =>
    event.type === 'ADS_SERVED'
      ? [{ eventId: event.eventId, recordedAt: event.recordedAt, ads: servedAdsOf(event) }]
      : [],
  );
  const clicks = adEvents.filter((event) => event.type === 'AD_CLICK_DECIDED').filter((event) => event.valid);
  return countClickThrough(served, clicks, closedUntilMs);
}

function parametersOf(event: RankingParametersChanged | undefined): RankingParameters {
  return event === undefined ? DEFAULT_RANKING_PARAMETERS : { version: event.version, ...event.parameters };
}

/** The highest version of each key wins, whatever order they came in; of equal ones the first. */
export function newest<T extends { version: number }>(
  events: readonly T[],
  keyOf: (event: T) => string,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const event of events) {
    const before = found.get(keyOf(event));
    if (before === undefined || event.version > before.version) found.set(keyOf(event), event);
  }
  return found;
}

export const isMoney = (event: CampaignEvent): event is CampaignServingChanged =>
  event.type === 'CAMPAIGN_SERVING_CHANGED';
export const isParameters = (event: CampaignEvent): event is RankingParametersChanged =>
  event.type === 'RANKING_PARAMETERS_CHANGED';
export const isSnapshot = (event: CampaignEvent): event is CampaignChanged =>
  !isMoney(event) && !isParameters(event);
