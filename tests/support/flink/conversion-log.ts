import type { AdClicked, AdEvent } from '../../../contracts/events/ad-events.js';
import type { ConversionEvent } from '../../../contracts/events/conversion-events.js';
import { DAY_MS } from '../../../domain/business-date.js';
import { PLACEMENTS } from '../../../domain/placement.js';
import { disordered, type Random, randomFrom } from './random.js';
import { unremarkableClick } from './unremarkable-click.js';

/** Twenty hours and two seconds before October begins in Korea. */
const T0 = 1_790_708_398_000;
/** So few clicks of a device that the rule, as plain code, looks through them quickly. */
const CLICKS_PER_DEVICE = 40;

export interface ConversionLog {
  readonly adEvents: readonly AdEvent[];
  readonly conversionEvents: readonly ConversionEvent[];
}

/**
 * Three days of few devices, sellers and products, so that clicks compete for every order line; many order lines lie
 * exactly 24 hours behind a click, or a millisecond beside it. Repeats and cancellations in any order.
 */
export function randomConversionLog(seed: number, clickCount: number, startMs = T0): ConversionLog {
  const random = randomFrom(seed);
  const clicks = Array.from({ length: clickCount }, (_, index) =>
    randomClick(index, { startMs, devices: Math.ceil(clickCount / CLICKS_PER_DEVICE) }, random),
  );
  const adEvents: AdEvent[] = clicks.flatMap((click) =>
    random(10) === 0 ? [click, { ...click, recordedAt: click.recordedAt + random(DAY_MS) }] : [click],
  );
  const conversionEvents = clicks.flatMap((click, index) => orderLines(click, index, random));
  return { adEvents: disordered(adEvents, random), conversionEvents: disordered(conversionEvents, random) };
}

function randomClick(
  index: number,
  { startMs, devices }: { readonly startMs: number; readonly devices: number },
  random: Random,
): AdClicked {
  const seller = random(3);
  const product = `p${seller}-${random(4)}`;
  // Whole minutes, so that many clicks share a millisecond.
  const recordedAt = startMs + random(2 * 24 * 60) * 60_000;
  return {
    eventId: `clicked:k${index}`,
    schemaVersion: 1,
    recordedAt,
    type: 'AD_CLICKED',
    clickId: `k${index}`,
    requestId: `r${index}`,
    advertiserId: `s${seller}`,
    campaignId: `c${seller}`,
    adId: `ad-${product}`,
    productId: product,
    placement: PLACEMENTS[random(PLACEMENTS.length)] ?? 'HOME',
    slot: 1,
    ...unremarkableClick(recordedAt),
    deviceHash: random(50) === 0 ? '' : `d${random(devices)}`,
    clean: random(12) > 0,
  };
}

function orderLines(click: AdClicked, index: number, random: Random): ConversionEvent[] {
  if (random(3) === 0) return [];
  const distance = [0, 60_000, DAY_MS - 1, DAY_MS, DAY_MS + 1, random(2 * DAY_MS)][random(6)] ?? 0;
  const recordedAt = click.recordedAt + distance;
  const line = {
    schemaVersion: 1,
    orderLineId: `o${index}:1`,
    orderId: `o${index}`,
    deviceHash: click.deviceHash,
    productId: random(2) === 0 ? click.productId : `p${click.advertiserId.slice(1)}-${random(6)}`,
    sellerId: click.advertiserId,
    quantity: 1 + random(4),
    amountKrw: 1_000 * random(50),
    orderedAt: recordedAt,
  } as const;
  const placed = { ...line, type: 'ORDER_LINE_PLACED', eventId: `placed:${index}`, recordedAt } as const;
  const cancelled = { ...line, type: 'ORDER_LINE_CANCELLED', eventId: `cancelled:${index}` } as const;
  return [
    placed,
    ...(random(10) === 0 ? [{ ...placed, recordedAt: recordedAt + random(DAY_MS), amountKrw: 1 }] : []),
    ...(random(5) === 0
      ? [{ ...cancelled, recordedAt: Math.max(1, recordedAt - 5_000 + random(DAY_MS)) }]
      : []),
  ];
}
