import { type AdEvent, adEventSchema } from '../../../contracts/events/ad-events.js';
import { type ConversionEvent, conversionEventSchema } from '../../../contracts/events/conversion-events.js';
import { type Conversion, matchConversions } from '../../../domain/conversion-match.js';
import {
  type PerformanceFact,
  type PerformanceWindow,
  performanceWindows,
} from '../../../domain/performance-window.js';
import { servedAdsOf } from '../served-ads.js';

/** The events of a log that are of our types and shapes, in their order. */
export const adEventsIn = (rows: readonly unknown[]): AdEvent[] =>
  rows.flatMap((row) => adEventSchema.safeParse(row).data ?? []);
const conversionEventsIn = (rows: readonly unknown[]): ConversionEvent[] =>
  rows.flatMap((row) => conversionEventSchema.safeParse(row).data ?? []);

/** What the conversion match should find in a log, by the rules of domain/. */
export function conversionsOf(
  adEvents: readonly unknown[],
  conversionEvents: readonly unknown[],
): readonly Conversion[] {
  const clicks = adEventsIn(adEvents).filter((event) => event.type === 'AD_CLICKED');
  const orderEvents = conversionEventsIn(conversionEvents);
  return matchConversions(
    clicks.filter((click) => click.clean),
    orderEvents.filter((event) => event.type === 'ORDER_LINE_PLACED'),
    orderEvents.filter((event) => event.type === 'ORDER_LINE_CANCELLED'),
  );
}

/** What performance should say about a log: every early result and the final ones. */
export function performanceOf(adEvents: readonly unknown[]): readonly PerformanceWindow[] {
  const seen = new Set<string>();
  const first = adEventsIn(adEvents).filter((event) => {
    if (event.type === 'AD_CLICK_DECIDED' && !event.valid) return false;
    return !seen.has(event.eventId) && seen.add(event.eventId);
  });
  return performanceWindows(first.flatMap(factsOf), { early: true });
}

function factsOf(event: AdEvent): PerformanceFact[] {
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
