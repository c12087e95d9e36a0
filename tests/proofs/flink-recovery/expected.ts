import type { AdEvent } from '../../../contracts/events/ad-events.js';
import type { CampaignEvent } from '../../../contracts/events/campaign-events.js';
import type { RankingEntry } from '../../../contracts/ranking-entry.js';
import {
  type Conversion,
  type MatchCancellation,
  type MatchClick,
  type MatchOrderLine,
  matchConversions,
} from '../../../domain/conversion-match.js';
import type { ClickThrough } from '../../../domain/ctr.js';
import {
  PERFORMANCE_WINDOW_MS,
  type PerformanceWindow,
  performanceWindows,
  windowStartOf,
} from '../../../domain/performance-window.js';
import { factsOf } from '../../support/flink/conversion-oracle.js';
import { clickThroughOf, rankingsOf } from '../../support/flink/ranking-oracle.js';
import type { Logged } from './records.js';

/** Watermark delays of the statements: ad-events as performance and ranking read them, everything as the match does. */
const DELAY_MS = 5_000;

type ConversionEvent = Extract<AdEvent, { type: 'AD_CONVERTED' | 'AD_CONVERSION_REVERSED' }>;

export interface Expected {
  /** Ad, placement and start to the final result of each window that had something in it. */
  readonly windows: ReadonlyMap<string, PerformanceWindow>;
  /** Ad and placement to the newest of those. */
  readonly newest: ReadonlyMap<string, PerformanceWindow>;
  /** Those of `newest` that this round's log changed. */
  readonly changed: ReadonlySet<string>;
  readonly conversions: ReadonlyMap<string, Conversion>;
  /** Start of each window to what became of its order lines. */
  readonly fates: ReadonlyMap<string, Fates>;
  /** `clickThroughKey` to what the ranking counts in 24 hours. */
  readonly clickThrough: ReadonlyMap<string, ClickThrough>;
  /** `<placement>:<target>`, without empty ones. */
  readonly rankings: Readonly<Record<string, readonly RankingEntry[]>>;
  /** Campaign id to its newest version and status. */
  readonly acknowledged: ReadonlyMap<string, { readonly version: number; readonly status: string }>;
}

export interface Fates {
  readonly direct: number;
  readonly indirect: number;
  readonly unmatched: number;
  readonly conversionValueKrw: number;
}

export const windowKey = (row: Pick<PerformanceWindow, 'adId' | 'placement' | 'windowStartMs'>) =>
  `${row.adId} ${row.placement} ${row.windowStartMs}`;
export const pairKey = (row: Pick<PerformanceWindow, 'adId' | 'placement'>) => `${row.adId} ${row.placement}`;

/**
 * The batch recomputation: what the three statements have to hold after the log so far, by the functions of `domain/`.
 * Rounds end with closed windows and begin in later ones, so that finished windows need not be computed again; matches
 * and rankings are computed over the whole log each time.
 */
export class Recomputation {
  /** Conversions and reversals that Flink appended: event id to each time that it did. */
  readonly appended = new Map<string, ConversionEvent[]>();
  /** Records that may have come behind a watermark: what Flink does with them depends on who was read first. */
  readonly possiblyLate: string[] = [];
  readonly counts = { events: 0, repeats: 0 };
  private readonly windows = new Map<string, PerformanceWindow>();
  private readonly newest = new Map<string, PerformanceWindow>();
  private readonly seen = new Set<string>();
  private readonly campaignEvents: CampaignEvent[] = [];
  private readonly ranked: AdEvent[] = [];
  private readonly clicks: MatchClick[] = [];
  private readonly lines: MatchOrderLine[] = [];
  private readonly cancellations: MatchCancellation[] = [];

  /** The records of one round, each partition in its order. */
  add(records: readonly Logged[]): Expected {
    this.counts.events += records.length;
    for (const record of records) this.sort(record);
    const changed = this.closeWindows(records);
    const conversions = matchConversions(this.clicks, this.lines, this.cancellations);
    return {
      windows: this.windows,
      newest: this.newest,
      changed,
      conversions: new Map(conversions.map((conversion) => [conversion.orderLineId, conversion])),
      fates: fatesOf(this.lines, conversions),
      clickThrough: clickThroughOf(this.ranked, Number.MAX_SAFE_INTEGER),
      rankings: rankingsOf(this.campaignEvents, this.ranked),
      acknowledged: newestVersions(this.campaignEvents),
    };
  }

  private sort(record: Logged): void {
    if (record.topic === 'campaign-events') {
      this.campaignEvents.push(record.event);
      return;
    }
    const { event } = record;
    switch (event.type) {
      case 'ADS_SERVED':
      case 'AD_CLICK_DECIDED':
        this.ranked.push(event);
        break;
      case 'AD_CLICKED':
        if (event.clean) this.clicks.push(clickOf(event));
        this.expectInTime(record, event.recordedAt);
        break;
      case 'ORDER_LINE_PLACED':
        this.lines.push(event);
        this.expectInTime(record, event.recordedAt);
        break;
      case 'ORDER_LINE_CANCELLED':
        this.cancellations.push(event);
        break;
      case 'AD_CONVERTED':
      case 'AD_CONVERSION_REVERSED':
        this.appended.set(event.eventId, [...(this.appended.get(event.eventId) ?? []), event]);
        break;
      case 'AD_VIEWED':
      case 'CLOCK_TICK':
        break;
    }
  }

  /** Of each event id the first in the log counts, in the window of its time; a decision only when it is valid. */
  private closeWindows(records: readonly Logged[]): ReadonlySet<string> {
    const facts = records.flatMap((record) => {
      if (record.topic !== 'ad-events') return [];
      const { event } = record;
      const found = event.type === 'AD_CLICK_DECIDED' && !event.valid ? [] : factsOf(event);
      if (found.length === 0) return [];
      if (this.seen.has(event.eventId)) {
        this.counts.repeats += 1;
        return [];
      }
      this.seen.add(event.eventId);
      this.expectInTime(record, windowStartOf(event.recordedAt) + PERFORMANCE_WINDOW_MS - 1);
      return found;
    });
    const changed = new Set<string>();
    for (const window of performanceWindows(facts)) {
      this.windows.set(windowKey(window), window);
      const pair = pairKey(window);
      changed.add(pair);
      if (window.windowStartMs > (this.newest.get(pair)?.windowStartMs ?? 0)) this.newest.set(pair, window);
    }
    return changed;
  }

  /** A record counts as long as no watermark has reached `latestMs`, which none of its own partition had by far. */
  private expectInTime({ topic, partition, offset, maxBefore, event }: Logged, latestMs: number): void {
    if (latestMs > maxBefore - DELAY_MS) return;
    const behindMs = maxBefore - event.recordedAt;
    this.possiblyLate.push(`${topic}/${partition}@${offset} ${event.type} ${behindMs} ms behind`);
  }
}

const clickOf = ({
  clickId,
  adId,
  campaignId,
  advertiserId,
  productId,
  placement,
  deviceHash,
  recordedAt,
}: MatchClick): MatchClick => ({
  clickId,
  adId,
  campaignId,
  advertiserId,
  productId,
  placement,
  deviceHash,
  recordedAt,
});

/** Each order line once, in the window in which the first of its records was recorded. */
function fatesOf(lines: readonly MatchOrderLine[], conversions: readonly Conversion[]): Expected['fates'] {
  const matches = new Map(conversions.map((conversion) => [conversion.orderLineId, conversion]));
  const counted = new Set<string>();
  const fates = new Map<string, Fates>();
  for (const { orderLineId, recordedAt } of lines) {
    if (counted.has(orderLineId)) continue;
    counted.add(orderLineId);
    const window = String(windowStartOf(recordedAt));
    const before = fates.get(window) ?? { direct: 0, indirect: 0, unmatched: 0, conversionValueKrw: 0 };
    const conversion = matches.get(orderLineId);
    const fate = conversion?.match ?? 'unmatched';
    const conversionValueKrw = before.conversionValueKrw + (conversion?.conversionValueKrw ?? 0);
    fates.set(window, { ...before, conversionValueKrw, [fate]: before[fate] + 1 });
  }
  return fates;
}

function newestVersions(events: readonly CampaignEvent[]): Expected['acknowledged'] {
  const newest = new Map<string, { version: number; status: string }>();
  for (const event of events) {
    if (event.type === 'CAMPAIGN_SERVING_CHANGED' || event.type === 'RANKING_PARAMETERS_CHANGED') continue;
    const { campaignId, version, status } = event;
    if (version > (newest.get(campaignId)?.version ?? 0)) newest.set(campaignId, { version, status });
  }
  return newest;
}
