import { z } from 'zod';
import type { AdEvent } from '../../../contracts/events/ad-events.js';
import { CAMPAIGN_EVENT_TYPES } from '../../../contracts/events/campaign-events.js';
import { type ConversionEvent, conversionEventSchema } from '../../../contracts/events/conversion-events.js';
import type { RankingEntry } from '../../../contracts/ranking-entry.js';
import type { Conversion } from '../../../domain/conversion-match.js';
import {
  ctrPpm,
  cvrPpm,
  type PerformanceWindow,
  performanceWindows,
} from '../../../domain/performance-window.js';
import { HOME_TARGET, RANKING_DEPTH } from '../../../domain/placement.js';
import { topRanked } from '../../../domain/ranking.js';
import {
  adEventsIn,
  conversionEventsIn,
  conversionEventsOf,
  conversionsOfEvents,
  countedFacts,
} from '../../support/flink/conversion-oracle.js';
import { campaignEventsIn, clickThroughOf, rankingsOf } from '../../support/flink/ranking-oracle.js';
import { servedAdsOf } from '../../support/served-ads.js';
import type { EventLog } from './logs.js';

/** What the three stores have to hold, as text by key: computed by the functions of `domain/` over whole logs. */
export interface Expected {
  readonly rankings: Map<string, string>;
  readonly acknowledged: Map<string, string>;
  readonly clickThrough: Map<string, string>;
  readonly windows: Map<string, string>;
  readonly metrics: Map<string, string>;
  readonly conversions: Map<string, string>;
  readonly conversionEvents: Map<string, string>;
  /** Record as it was set aside -> how its reason begins. */
  readonly deadLetters: Map<string, string>;
}

/** A version is acknowledged as soon as it can be told apart: also one whose ads nobody can rank. */
const acknowledgedSchema = z.looseObject({
  type: z.enum(CAMPAIGN_EVENT_TYPES),
  campaignId: z.string(),
  version: z.number(),
  status: z.string(),
});

const HOME = `HOME:${HOME_TARGET}`;

/**
 * Log by log, so that memory holds one at a time: logs meet nowhere but on HOME and in the parameters, which are handed
 * in. HOME's best are among the best of each log, since no advertiser is in two.
 */
export class Oracle {
  readonly expected: Expected = {
    rankings: new Map(),
    acknowledged: new Map(),
    clickThrough: new Map(),
    windows: new Map(),
    metrics: new Map(),
    conversions: new Map(),
    conversionEvents: new Map(),
    deadLetters: new Map(),
  };
  readonly #home: RankingEntry[] = [];
  readonly #sent = new Set<string>();

  constructor(private readonly parameters: unknown) {}

  add(log: EventLog): void {
    const adEvents = adEventsIn(log.adEvents);
    this.#addCounts(log, adEvents);
    this.addMatch(log, adEvents);
  }

  #addCounts(log: EventLog, adEvents: readonly AdEvent[]): void {
    this.#addRankings(log, adEvents);
    const campaigns = campaignsOf(adEvents);
    const newest = new Map<string, PerformanceWindow>();
    for (const window of performanceWindows(countedFacts(adEvents))) {
      this.expected.windows.set(windowKey(window), windowText(window, campaigns.get(window.adId) ?? ''));
      const before = newest.get(pairKey(window));
      if (before === undefined || before.windowStartMs < window.windowStartMs)
        newest.set(pairKey(window), window);
    }
    for (const [key, window] of newest) this.expected.metrics.set(key, metricsText(window));
  }

  #addRankings(log: EventLog, adEvents: readonly AdEvent[]): void {
    const campaignEvents = campaignEventsIn([...log.campaignEvents, this.parameters]);
    for (const [key, entries] of Object.entries(rankingsOf(campaignEvents, adEvents))) {
      if (key === HOME) this.#home.push(...entries);
      else this.expected.rankings.set(key, JSON.stringify(entries));
    }
    const home = topRanked(this.#home, RANKING_DEPTH);
    if (home.length > 0) this.expected.rankings.set(HOME, JSON.stringify(home));
    const newest = new Map<string, number>();
    for (const row of log.campaignEvents) {
      const event = acknowledgedSchema.safeParse(row).data;
      if (event === undefined || event.version <= (newest.get(event.campaignId) ?? 0)) continue;
      newest.set(event.campaignId, event.version);
      const { version, status } = event;
      this.expected.acknowledged.set(event.campaignId, canonical({ version, status }));
    }
    for (const [key, counts] of clickThroughOf(adEvents, Number.MAX_SAFE_INTEGER)) {
      this.expected.clickThrough.set(key, `${counts.clicks} ${counts.weightedImpressionsMilli}`);
    }
  }

  /** Order lines that were sent and are well-formed, each once, and those that are not. */
  get sent(): number {
    const malformed = [...this.expected.deadLetters].filter(([, reason]) => reason === 'schema');
    return this.#sent.size + malformed.filter(([record]) => record.includes('"ORDER_LINE_PLACED"')).length;
  }

  addDeadLetter(row: unknown, reason: string): void {
    this.expected.deadLetters.set(orderEventText(row), reason);
    const late = conversionEventSchema.safeParse(row).data;
    if (late?.type === 'ORDER_LINE_PLACED') this.#sent.add(late.orderLineId);
  }

  #addBeyondHorizon(conversions: readonly Conversion[], orderEvents: readonly ConversionEvent[]): void {
    const standing = new Set(
      conversions.filter((row) => row.reversedAt === null).map((row) => row.orderLineId),
    );
    for (const event of orderEvents)
      if (event.type === 'ORDER_LINE_CANCELLED' && standing.delete(event.orderLineId))
        this.addDeadLetter({ ...event, ...NOT_IN_A_CANCELLATION }, 'horizon');
  }

  addMatch(log: EventLog, adEvents: readonly AdEvent[] = adEventsIn(log.adEvents)): void {
    const orderEvents = conversionEventsIn(log.conversionEvents);
    for (const event of orderEvents)
      if (event.type === 'ORDER_LINE_PLACED') this.#sent.add(event.orderLineId);
    for (const row of log.conversionEvents)
      if (!conversionEventSchema.safeParse(row).success) this.addDeadLetter(row, 'schema');
    const conversions = conversionsOfEvents(adEvents, orderEvents);
    for (const row of conversions) this.expected.conversions.set(row.orderLineId, conversionText(row));
    for (const event of conversionEventsOf(conversions, 0))
      this.expected.conversionEvents.set(event.eventId, eventText(event));
    this.#addBeyondHorizon(conversions, orderEvents);
  }
}

export const pairKey = (row: { readonly adId: string; readonly placement: string }) =>
  `${row.adId} ${row.placement}`;
export const windowKey = (row: Pick<PerformanceWindow, 'adId' | 'placement' | 'windowStartMs'>) =>
  `${pairKey(row)} ${row.windowStartMs}`;

type Window = Omit<PerformanceWindow, 'adId' | 'placement'>;
export const windowText = (row: Window, campaignId: string) =>
  [
    ...[row.windowEndMs, row.isFinal, campaignId, row.servedImpressions, row.viewedImpressions],
    ...[row.clicks, row.conversions, row.conversionValueKrw],
  ].join(' ');

const metricsText = (window: PerformanceWindow) =>
  canonical({ ...window, ctrPpm: ctrPpm(window), cvrPpm: cvrPpm(window) });

export const conversionText = (row: Omit<Conversion, 'orderId'>) =>
  [
    ...[row.clickId, row.adId, row.campaignId, row.advertiserId, row.placement, row.productId, row.match],
    ...[row.quantity, row.conversionValueKrw, row.clickedAt, row.convertedAt, row.reversedAt],
  ].join(' ');

/** Without the time at which it was appended: that one is real time's, and is checked by its bounds. */
export const eventText = <T extends { readonly recordedAt: number }>({ recordedAt: _, ...event }: T) =>
  canonical(event);

const ORDER_FIELDS = [
  ...['eventId', 'schemaVersion', 'type', 'recordedAt', 'orderLineId', 'orderId', 'deviceHash'],
  ...['productId', 'sellerId', 'quantity', 'amountKrw', 'orderedAt'],
];
const NOT_IN_A_CANCELLATION = {
  productId: undefined,
  sellerId: undefined,
  quantity: undefined,
  amountKrw: undefined,
  orderedAt: undefined,
};

/** The fields of the contract that a record has. */
export function orderEventText(row: unknown): string {
  const fields = z.record(z.string(), z.unknown()).parse(row);
  const known = ORDER_FIELDS.flatMap((name) => (fields[name] == null ? [] : [[name, fields[name]] as const]));
  return canonical(Object.fromEntries(known));
}

/** JSON with its fields in the order of their names. */
export const canonical = (value: Readonly<Record<string, unknown>>) =>
  JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));

/** The campaign that each ad is counted for: the greatest that it was ever named with. */
function campaignsOf(adEvents: readonly AdEvent[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const note = ({ adId, campaignId }: { adId: string; campaignId: string }) => {
    if (campaignId > (found.get(adId) ?? '')) found.set(adId, campaignId);
  };
  for (const event of adEvents) {
    if (event.type === 'ADS_SERVED') servedAdsOf(event).forEach(note);
    else if (event.type !== 'CLOCK_TICK' && event.type !== 'AD_CLICKED') note(event);
  }
  return found;
}
