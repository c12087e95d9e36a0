import { addDays, type BusinessDate, startOfBusinessDate } from './business-date.js';
import type { CampaignBid } from './campaign-draft.js';
import { HOME_TARGET, normaliseKeyword, PLACEMENTS } from './placement.js';
import { invariant } from './result.js';
import { isEverybody, normaliseTargeting, type Targeting } from './targeting.js';

export type ServingStatus = 'enabled' | 'paused' | 'ended';

/** The rows of a campaign, as far as the ranking needs them. */
export interface CampaignContent {
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly startDate: BusinessDate;
  readonly endDate: BusinessDate;
  readonly ads: readonly { adId: string; productId: string; categoryId: string }[];
  readonly keywords: readonly string[];
  readonly bids: readonly CampaignBid[];
  readonly targeting: Targeting;
}

/** The whole of what serving a campaign means; the shape of every campaign event. */
export interface CampaignSnapshot {
  campaignId: string;
  advertiserId: string;
  version: number;
  status: ServingStatus;
  ads: { adId: string; productId: string; categoryId: string }[];
  /** In normal form, whatever the rows hold: the ranking's keys are made of them. */
  keywords: string[];
  bids: CampaignBid[];
  /** JSON of `Targeting`, so that the stream passes it on as it is; left out for everybody. */
  targeting?: string;
  startAt: number;
  endAt: number;
}

/** `[start, end)` in epoch ms: both dates are Korean days and both are served in full. */
export function servingWindow(dates: { startDate: BusinessDate; endDate: BusinessDate }) {
  return {
    startAt: startOfBusinessDate(dates.startDate),
    endAt: startOfBusinessDate(addDays(dates.endDate, 1)),
  };
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Lists are sorted, so that the same campaign always makes the same bytes. */
export function buildServingSnapshot(
  campaign: CampaignContent,
  version: number,
  status: ServingStatus,
): CampaignSnapshot {
  invariant(Number.isSafeInteger(version) && version > 0, `not a snapshot version: ${version}`);
  const { startAt, endAt } = servingWindow(campaign);
  invariant(startAt < endAt, `campaign ${campaign.campaignId} ends before it starts`);
  return {
    campaignId: campaign.campaignId,
    advertiserId: campaign.advertiserId,
    version,
    status,
    ads: [...campaign.ads].sort((a, b) => byText(a.adId, b.adId)),
    keywords: [...new Set(campaign.keywords.map(normaliseKeyword))].sort(byText),
    bids: PLACEMENTS.flatMap((placement) => campaign.bids.filter((bid) => bid.placement === placement)),
    ...(isEverybody(campaign.targeting)
      ? {}
      : { targeting: JSON.stringify(normaliseTargeting(campaign.targeting)) }),
    startAt,
    endAt,
  };
}

/**
 * The rankings in which this campaign can stand: HOME has one target for everything, CATEGORY and
 * PRODUCT_DETAIL are ranked per category, SEARCH per keyword.
 */
export function rankingTargets(
  snapshot: Pick<CampaignSnapshot, 'ads' | 'keywords' | 'bids'>,
): { placement: string; target: string }[] {
  const categories = [...new Set(snapshot.ads.map((ad) => ad.categoryId))];
  return snapshot.bids.flatMap(({ placement }) => {
    const targets =
      placement === 'HOME' ? [HOME_TARGET] : placement === 'SEARCH' ? snapshot.keywords : categories;
    return targets.map((target) => ({ placement, target }));
  });
}
