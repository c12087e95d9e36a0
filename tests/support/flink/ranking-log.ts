import type { AdEvent } from '../../../contracts/events/ad-events.js';
import { CAMPAIGN_EVENT_TYPES, type CampaignEvent } from '../../../contracts/events/campaign-events.js';
import { DAY_MS } from '../../../domain/business-date.js';
import { PLACEMENTS } from '../../../domain/placement.js';
import { asServed } from '../served-ads.js';
import { type Random, randomFrom, shuffled } from './random.js';

/** Twenty hours and two seconds before October begins in Korea. */
const T0 = 1_790_708_398_000;
const LOG_MS = DAY_MS + 2 * 3_600_000;
/** Traffic comes in bursts: each window with traffic makes Flink send every ranking once more, and they are large. */
const BURSTS = 20;
const BURST_MS = 4 * 60_000;

export interface RandomLog {
  readonly campaignEvents: readonly CampaignEvent[];
  readonly adEvents: readonly AdEvent[];
}

export interface RankingLogSize {
  readonly campaigns: number;
  readonly servedEvents: number;
  readonly startMs: number;
}
const MORE_THAN_A_RANKING_HOLDS: RankingLogSize = { campaigns: 400, servedEvents: 4_000, startMs: T0 };

/**
 * 26 hours of a shop with more campaigns than any ranking holds: shared advertisers, versions out of order, pauses,
 * money stops, a change of parameters, repeats of served ads and of clicks.
 */
export function randomLog(seed: number, size: Partial<RankingLogSize> = {}): RandomLog {
  const { campaigns, servedEvents, startMs } = { ...MORE_THAN_A_RANKING_HOLDS, ...size };
  const random = randomFrom(seed);
  const campaignEvents: CampaignEvent[] = [];
  for (let index = 0; index < campaigns; index++) {
    const versions = shuffled([1, 2, 3].slice(0, 1 + random(3)), random);
    for (const version of versions) campaignEvents.push(snapshot(index, version, random));
    if (random(5) === 0) {
      for (const version of shuffled([1, 2], random))
        campaignEvents.push(money(index, version, random(2) === 0));
    }
    if (index === Math.floor(campaigns / 2)) campaignEvents.push(parameters);
  }
  return { campaignEvents, adEvents: adEvents({ campaigns, servedEvents, startMs }, random) };
}

const parameters: CampaignEvent = {
  type: 'RANKING_PARAMETERS_CHANGED',
  eventId: 'ranking-parameters:2',
  schemaVersion: 1,
  recordedAt: T0,
  version: 2,
  parameters: { priorClicksMilli: 3_000, priorImpressionsMilli: 90_000, bidFloorKrw: 70 },
};

function snapshot(index: number, version: number, random: Random): CampaignEvent {
  const status = random(10) === 0 ? 'paused' : 'enabled';
  return {
    type: CAMPAIGN_EVENT_TYPES[status === 'paused' ? 2 : 1],
    eventId: `campaign:c${index}:${version}`,
    schemaVersion: 1,
    recordedAt: T0 + version,
    campaignId: `c${index}`,
    advertiserId: `advertiser-${random(4) === 0 ? index % 20 : index}`,
    version,
    status,
    ads: [1, 2].map((n) => ({
      adId: `c${index}-${n}`,
      productId: `p${index}-${n}`,
      categoryId: `category-${(index + n) % 3}`,
    })),
    keywords: [`keyword-${index % 2}`, `keyword-${index % 7}`],
    // Few different prices, so that many scores are equal.
    bids: PLACEMENTS.filter(() => random(5) > 0).map((placement) => ({
      placement,
      maxCpcKrw: 60 + 10 * random(20),
    })),
    startAt: T0,
    endAt: T0 + 30 * DAY_MS,
  };
}

function money(index: number, version: number, stopped: boolean): CampaignEvent {
  return {
    type: 'CAMPAIGN_SERVING_CHANGED',
    eventId: `serving:c${index}:${version}`,
    schemaVersion: 1,
    recordedAt: T0,
    campaignId: `c${index}`,
    version,
    stopped,
  };
}

function adEvents({ campaigns, servedEvents, startMs }: RankingLogSize, random: Random): AdEvent[] {
  const events: AdEvent[] = [];
  for (let index = 0; index < servedEvents; index++) {
    const burst = Math.floor((index * BURSTS) / servedEvents);
    const recordedAt = startMs + burst * Math.floor(LOG_MS / BURSTS) + (index % BURST_MS);
    const placement = PLACEMENTS[random(PLACEMENTS.length)] ?? 'HOME';
    const served = Array.from({ length: 3 }, (_, n) => {
      const campaignId = `c${random(campaigns)}`;
      const ad = { adId: `${campaignId}-${1 + (n % 2)}`, campaignId };
      return { requestId: `request-${index}`, placement, slot: 1 + random(12), ...ad };
    });
    const event: AdEvent = {
      type: 'ADS_SERVED',
      eventId: `served:${index}`,
      schemaVersion: 1,
      recordedAt,
      served: asServed(served),
    };
    events.push(event);
    if (random(20) === 0) events.push(event);
    const clicked = served[random(3)];
    if (clicked !== undefined && random(4) === 0) {
      events.push(decided(clicked, `click-${index}`, recordedAt));
      if (random(10) === 0) events.push(decided(clicked, `click-${index}`, recordedAt));
    }
  }
  return events;
}

function decided(
  ad: { adId: string; campaignId: string; placement: (typeof PLACEMENTS)[number]; slot: number },
  clickId: string,
  recordedAt: number,
): AdEvent {
  const valid = !clickId.endsWith('7');
  return {
    type: 'AD_CLICK_DECIDED',
    eventId: `decided:${clickId}`,
    schemaVersion: 1,
    recordedAt,
    clickId,
    advertiserId: 'advertiser',
    campaignId: ad.campaignId,
    adId: ad.adId,
    placement: ad.placement,
    slot: ad.slot,
    outcome: valid ? 'charged' : 'invalid',
    reason: valid ? null : 'listed_bot',
    valid,
    chargedCpcKrw: valid ? 100 : 0,
    cashKrw: valid ? 100 : 0,
    promoKrw: 0,
    bookedDate: '2026-09-21',
  };
}
