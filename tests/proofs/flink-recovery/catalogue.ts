import { CAMPAIGN_EVENT_TYPES, type CampaignChanged } from '../../../contracts/events/campaign-events.js';
import { campaignKey, RANKING_PARAMETERS_KEY, servingKey } from '../../../contracts/topics.js';
import { DAY_MS } from '../../../domain/business-date.js';
import { PLACEMENTS, type Placement } from '../../../domain/placement.js';
import { type Random, shuffled } from '../../support/flink/random.js';
import type { Sent } from './records.js';

const ADVERTISERS = 72;
const CAMPAIGNS_OF_EACH = 3;
const ADS_OF_EACH = 2;
const CATEGORIES = 6;
const KEYWORDS = 12;
const PRODUCTS_OF_EACH = 4;

/** An ad on one of the placements that its campaign bids for. */
export interface ShownAd {
  readonly adId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  readonly productId: string;
  readonly placement: Placement;
}

/** More campaigns than HOME holds (three ads of each advertiser, 200 in all), so that the cut is tried, too. */
export function createCatalogue(random: Random) {
  const campaigns = Array.from({ length: ADVERTISERS * CAMPAIGNS_OF_EACH }, (_, index) =>
    campaign(index, random),
  );
  const moneyVersions = new Map<string, number>();
  let parametersVersion = 1;

  const money = (now: number): Sent[] => {
    const { campaignId } = campaigns[random(campaigns.length)] ?? { campaignId: 'c0' };
    const version = (moneyVersions.get(campaignId) ?? 0) + 1;
    moneyVersions.set(campaignId, version);
    const stopped = random(3) === 0;
    const eventId = `serving:${campaignId}:${version}`;
    const event = { eventId, schemaVersion: 1, recordedAt: now, campaignId, version, stopped } as const;
    return [
      {
        topic: 'campaign-events',
        key: servingKey(campaignId),
        event: { ...event, type: 'CAMPAIGN_SERVING_CHANGED' },
      },
    ];
  };

  const parameters = (now: number): Sent[] => {
    parametersVersion += 1;
    const event = {
      type: 'RANKING_PARAMETERS_CHANGED',
      eventId: `ranking-parameters:${parametersVersion}`,
      schemaVersion: 1,
      recordedAt: now,
      version: parametersVersion,
      parameters: {
        priorClicksMilli: 2_000 + random(4_000),
        priorImpressionsMilli: 80_000 + random(200_000),
        bidFloorKrw: 50 + 10 * random(6),
      },
    } as const;
    return [{ topic: 'campaign-events', key: RANKING_PARAMETERS_KEY, event }];
  };

  /** A new version; now and then the one after it comes first. */
  const update = (now: number): Sent[] => {
    const index = random(campaigns.length);
    const before = campaigns[index];
    if (before === undefined) return [];
    const next = changed(before, before.version + 1, random);
    if (random(8) > 0) {
      campaigns[index] = next;
      return [published(next, now)];
    }
    const overtaking = changed(next, next.version + 1, random);
    campaigns[index] = overtaking;
    return [published(overtaking, now), published(next, now)];
  };

  return {
    opening: (now: number): Sent[] => campaigns.map((one) => published(one, now)),
    change: (now: number): Sent[] => {
      const dice = random(200);
      if (dice === 0) return parameters(now);
      return dice < 60 ? money(now) : update(now);
    },
    someShown: (count: number): ShownAd[] => shuffled(campaigns.flatMap(shownAds), random).slice(0, count),
  };
}

/** Which campaign an ad of this catalogue belongs to. */
export const campaignOf = (adId: string) => adId.slice(0, adId.indexOf('-'));

type Snapshot = Omit<CampaignChanged, 'type' | 'eventId' | 'schemaVersion' | 'recordedAt'>;

function campaign(index: number, random: Random): Snapshot {
  const campaignId = `c${index}`;
  const advertiserId = `s${index % ADVERTISERS}`;
  return {
    campaignId,
    advertiserId,
    version: 1,
    status: 'enabled',
    ads: Array.from({ length: ADS_OF_EACH }, (_, ad) => ({
      adId: `${campaignId}-${ad}`,
      productId: `${advertiserId}-p${(index + ad) % PRODUCTS_OF_EACH}`,
      categoryId: `category-${(index + ad) % CATEGORIES}`,
    })),
    keywords: [`keyword-${index % KEYWORDS}`, `keyword-${random(KEYWORDS)}`],
    bids: bids(random),
    startAt: 1_790_000_000_000,
    endAt: 1_790_000_000_000 + 365 * DAY_MS,
  };
}

/** Few different prices, so that many scores are equal and the id decides. */
function bids(random: Random): Snapshot['bids'] {
  const chosen = PLACEMENTS.filter(() => random(4) > 0);
  return chosen.map((placement) => ({ placement, maxCpcKrw: 60 + 10 * random(25) }));
}

function changed(before: Snapshot, version: number, random: Random): Snapshot {
  return { ...before, version, status: random(9) === 0 ? 'paused' : 'enabled', bids: bids(random) };
}

function published(snapshot: Snapshot, now: number): Sent {
  const type = CAMPAIGN_EVENT_TYPES[snapshot.status === 'paused' ? 2 : snapshot.version === 1 ? 0 : 1];
  const eventId = `campaign:${snapshot.campaignId}:${snapshot.version}`;
  const event = { ...snapshot, type, eventId, schemaVersion: 1, recordedAt: now } as const;
  return { topic: 'campaign-events', key: campaignKey(snapshot.campaignId), event };
}

function shownAds({ campaignId, advertiserId, ads, bids: bidden }: Snapshot): ShownAd[] {
  return ads.flatMap(({ adId, productId }) =>
    bidden.map(({ placement }) => ({ adId, campaignId, advertiserId, productId, placement })),
  );
}
