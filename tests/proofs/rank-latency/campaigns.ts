import type { Producer } from 'kafkajs';
import {
  type CampaignChanged,
  type RankingParametersChanged,
  rankingParametersChangedSchema,
} from '../../../contracts/events/campaign-events.js';
import { campaignKey, HEADER_TYPE, RANKING_PARAMETERS_KEY, TOPICS } from '../../../contracts/topics.js';
import { PLACEMENTS } from '../../../domain/placement.js';
import { DEFAULT_RANKING_PARAMETERS } from '../../../domain/ranking.js';
import { topicName } from '../../../infra/kafka.js';
import type { FundedBusiness } from '../../support/funded-advertisers.js';

export const CATEGORIES = ['toys', 'garden', 'kitchen', 'office'] as const;
/** Every campaign bids on one; few, so that each ranking is full. */
export const KEYWORDS = Array.from({ length: 20 }, (_, index) => `word${index}`);
const ADS_EACH = 2;
const DAY_MS = 86_400_000;
const MESSAGES_PER_SEND = 500;
const LOWEST_BID_KRW = 100;
const BID_RANGE_KRW = 900;
/** Far above the others: what these change is at the top of every ranking that they stand in. */
const FIRST_PROBE_BID_KRW = 40_000;
const PROBES = 2;

/** The campaigns of this proof, each with two ads on all placements, and what changes about them while it runs. */
export class LiveCampaigns {
  readonly probes: readonly string[];
  readonly #newest = new Map<string, CampaignChanged>();
  readonly #topic: string;
  #parameters = { ...DEFAULT_RANKING_PARAMETERS, version: DEFAULT_RANKING_PARAMETERS.version + 1 };
  #bidKrw = FIRST_PROBE_BID_KRW;

  constructor(
    private readonly producer: Producer,
    { campaigns, config }: FundedBusiness,
    random: () => number,
  ) {
    this.#topic = topicName(config, TOPICS.campaignEvents);
    const now = Date.now();
    for (const [index, names] of campaigns.entries()) {
      this.#newest.set(names.campaignId, snapshotOf(names, index, now, random));
    }
    // Of two advertisers: each funded one has two campaigns in a row.
    this.probes = Array.from({ length: PROBES }, (_, probe) => campaigns[probe * 2]?.campaignId ?? '');
  }

  get size(): number {
    return this.#newest.size;
  }

  async publishAll(): Promise<void> {
    const all = [...this.#newest.values()];
    for (let start = 0; start < all.length; start += MESSAGES_PER_SEND) {
      await this.#append(all.slice(start, start + MESSAGES_PER_SEND).map(campaignMessage));
    }
  }

  /**
   * Appends the next version of a campaign, with a bid that no version before had: a prime, so that a rank score tells
   * by its divisors which bid it was made of. Returns the bid and when it was about to be appended.
   */
  async changeBid(campaignId: string): Promise<{ readonly bidKrw: number; readonly appendedAt: number }> {
    const before = this.#newest.get(campaignId);
    if (before === undefined) throw new Error(`no campaign ${campaignId}`);
    this.#bidKrw = primeAfter(this.#bidKrw);
    const version = before.version + 1;
    const after: CampaignChanged = {
      ...before,
      eventId: `campaign:${campaignId}:${version}`,
      type: 'CAMPAIGN_UPDATED',
      version,
      recordedAt: Date.now(),
      bids: PLACEMENTS.map((placement) => ({ placement, maxCpcKrw: this.#bidKrw })),
    };
    this.#newest.set(campaignId, after);
    const appendedAt = performance.now();
    await this.#append([campaignMessage(after)]);
    return { bidKrw: this.#bidKrw, appendedAt };
  }

  /** Another prior, so that every score changes. Returns the version and when it was about to be appended. */
  async changeParameters(): Promise<{ readonly version: number; readonly appendedAt: number }> {
    const version = this.#parameters.version + 1;
    this.#parameters = { ...DEFAULT_RANKING_PARAMETERS, version, priorClicksMilli: 4_000 + version * 100 };
    const { version: _, ...parameters } = this.#parameters;
    const event: RankingParametersChanged = rankingParametersChangedSchema.parse({
      eventId: `ranking-parameters:${version}`,
      schemaVersion: 1,
      recordedAt: Date.now(),
      type: 'RANKING_PARAMETERS_CHANGED',
      version,
      parameters,
    });
    const appendedAt = performance.now();
    await this.#append([{ key: RANKING_PARAMETERS_KEY, ...body(event) }]);
    return { version, appendedAt };
  }

  async #append(messages: { key: string; value: string; headers: Record<string, string> }[]): Promise<void> {
    await this.producer.send({ topic: this.#topic, acks: -1, messages });
  }
}

function snapshotOf(
  { campaignId, advertiserId }: { readonly campaignId: string; readonly advertiserId: string },
  index: number,
  now: number,
  random: () => number,
): CampaignChanged {
  const maxCpcKrw = LOWEST_BID_KRW + Math.floor(random() * BID_RANGE_KRW);
  return {
    eventId: `campaign:${campaignId}:1`,
    schemaVersion: 1,
    recordedAt: now,
    type: 'CAMPAIGN_APPROVED',
    campaignId,
    advertiserId,
    version: 1,
    status: 'enabled',
    ads: Array.from({ length: ADS_EACH }, (_, ad) => ({
      adId: `ad_${campaignId}_${ad}`,
      productId: `prd_${campaignId}_${ad}`,
      categoryId: CATEGORIES[index % CATEGORIES.length] ?? 'toys',
    })),
    keywords: [KEYWORDS[index % KEYWORDS.length] ?? 'word0'],
    bids: PLACEMENTS.map((placement) => ({ placement, maxCpcKrw })),
    startAt: now - DAY_MS,
    endAt: now + 30 * DAY_MS,
  };
}

const body = (event: { readonly type: string }) => ({
  value: JSON.stringify(event),
  headers: { [HEADER_TYPE]: event.type },
});
const campaignMessage = (event: CampaignChanged) => ({ key: campaignKey(event.campaignId), ...body(event) });

function primeAfter(start: number): number {
  for (let candidate = start + 1; ; candidate += 1) {
    let divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor += 1;
    if (divisor * divisor > candidate) return candidate;
  }
}
