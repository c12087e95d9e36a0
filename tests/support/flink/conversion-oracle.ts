import { z } from 'zod';
import {
  type AdConversionReversed,
  type AdConverted,
  type AdEvent,
  adConversionReversedSchema,
  adConvertedSchema,
  adEventSchema,
} from '../../../contracts/events/ad-events.js';
import { type ConversionEvent, conversionEventSchema } from '../../../contracts/events/conversion-events.js';
import {
  CONVERSION_RULES,
  type Conversion,
  type ConversionRules,
  matchConversions,
} from '../../../domain/conversion-match.js';
import {
  type PerformanceFact,
  type PerformanceWindow,
  performanceWindows,
} from '../../../domain/performance-window.js';
import { PLACEMENTS } from '../../../domain/placement.js';
import { servedAdsOf } from '../served-ads.js';

const placementSchema = z.enum(PLACEMENTS);

/** The events of a log that are of our types and shapes, in their order. */
export const adEventsIn = (rows: readonly unknown[]): AdEvent[] =>
  rows.flatMap((row) => adEventSchema.safeParse(row).data ?? []);
export const conversionEventsIn = (rows: readonly unknown[]): ConversionEvent[] =>
  rows.flatMap((row) => conversionEventSchema.safeParse(row).data ?? []);

/** What the conversion match should find in a log, by the rules of domain/. */
export const conversionsOf = (
  adEvents: readonly unknown[],
  conversionEvents: readonly unknown[],
): readonly Conversion[] => conversionsOfEvents(adEventsIn(adEvents), conversionEventsIn(conversionEvents));

export function conversionsOfEvents(
  adEvents: readonly AdEvent[],
  orderEvents: readonly ConversionEvent[],
  rules: ConversionRules = CONVERSION_RULES,
): readonly Conversion[] {
  const clicks = adEvents.filter((event) => event.type === 'AD_CLICKED');
  return matchConversions(
    clicks.filter((click) => click.clean),
    orderEvents.filter((event) => event.type === 'ORDER_LINE_PLACED'),
    orderEvents.filter((event) => event.type === 'ORDER_LINE_CANCELLED'),
    rules,
  );
}

export type ConversionEventRow = AdConverted | AdConversionReversed;

/** A row of the statement's `conversion_event`: the event that it says, exactly as the contract wants it. */
export function conversionEventRow(fields: Readonly<Record<string, unknown>>): ConversionEventRow {
  if (fields.type === 'AD_CONVERSION_REVERSED') return adConversionReversedSchema.parse(fields);
  if (fields.reversedAt !== null)
    throw new Error(`a conversion that says when it was reversed: ${JSON.stringify(fields)}`);
  return adConvertedSchema.parse(fields);
}

/** The events of these conversions, told `delayMs` after each order line, or when it is cancelled later than that. */
export function conversionEventsOf(
  conversions: readonly Conversion[],
  delayMs: number,
): ConversionEventRow[] {
  return conversions.flatMap(({ reversedAt, ...conversion }): ConversionEventRow[] => {
    const recordedAt = conversion.convertedAt + delayMs;
    const common = {
      ...conversion,
      placement: placementSchema.parse(conversion.placement),
      schemaVersion: 1,
      rulesVersion: CONVERSION_RULES.version,
    } as const;
    const eventId = `converted:${conversion.orderLineId}`;
    const converted = { ...common, eventId, type: 'AD_CONVERTED', recordedAt } as const;
    if (reversedAt === null) return [converted];
    const reversed = {
      ...common,
      eventId: `reversed:${conversion.orderLineId}`,
      type: 'AD_CONVERSION_REVERSED',
      recordedAt: Math.max(recordedAt, reversedAt),
      reversedAt,
    } as const;
    return [converted, reversed];
  });
}

/** What performance should say about a log: every early result and the final ones. */
export const performanceOf = (adEvents: readonly unknown[]): readonly PerformanceWindow[] =>
  performanceWindows(countedFacts(adEventsIn(adEvents)), { early: true });

/** Everything that performance counts, each event id once: the first in the log. */
export function countedFacts(adEvents: readonly AdEvent[]): readonly PerformanceFact[] {
  const seen = new Set<string>();
  const first = adEvents.filter((event) => {
    if (event.type === 'AD_CLICK_DECIDED' && !event.valid) return false;
    return !seen.has(event.eventId) && seen.add(event.eventId);
  });
  return first.flatMap(factsOf);
}

export function factsOf(event: AdEvent): PerformanceFact[] {
  const { recordedAt } = event;
  switch (event.type) {
    case 'ADS_SERVED':
      return servedAdsOf(event).map((ad) => ({ recordedAt, ...ad, kind: 'served' }));
    case 'AD_VIEWED':
      return [{ recordedAt, adId: event.adId, placement: event.placement, kind: 'viewed' }];
    case 'AD_CLICK_DECIDED':
      return [{ recordedAt, adId: event.adId, placement: event.placement, kind: 'click' }];
    case 'AD_CONVERTED':
    case 'AD_CONVERSION_REVERSED': {
      const kind = event.type === 'AD_CONVERTED' ? 'conversion' : 'reversal';
      const { adId, placement } = event;
      return [{ recordedAt, adId, placement, kind, valueKrw: event.conversionValueKrw }];
    }
    case 'AD_CLICKED':
    case 'CLOCK_TICK':
      return [];
  }
}
