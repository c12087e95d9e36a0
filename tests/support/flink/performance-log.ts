import type { AdClickDecided, AdEvent } from '../../../contracts/events/ad-events.js';
import { PERFORMANCE_WINDOW_MS, windowStartOf } from '../../../domain/performance-window.js';
import { PLACEMENTS } from '../../../domain/placement.js';
import { asServed } from '../served-ads.js';
import { appended, disordered, type Random, randomFrom } from './random.js';

/** Twenty minutes before October begins in Korea. */
const T0 = 1_790_779_200_000;

export interface PerformanceLogWish {
  readonly startMs?: number;
  /** Some come up to a minute behind the clock while their window is open: they count, though not in early results. */
  readonly stragglers?: boolean;
}

/** Forty minutes of everything that performance counts, with repeats in the same and in later windows. */
export function randomPerformanceLog(
  seed: number,
  count: number,
  { startMs = T0, stragglers = false }: PerformanceLogWish = {},
): readonly AdEvent[] {
  const random = randomFrom(seed);
  const events = Array.from({ length: count }, (_, index) => randomFact(index, startMs, random)).flatMap(
    (event) =>
      random(8) === 0 ? [event, { ...event, recordedAt: event.recordedAt + random(600_000) }] : [event],
  );
  return stragglers ? straggling(events, random) : disordered(events, random);
}

/** One of ten as late as its window allows, but not more than a minute. */
function straggling(events: readonly AdEvent[], random: Random): readonly AdEvent[] {
  return appended(events, random, ({ recordedAt }) => {
    if (random(10) > 0) return recordedAt + random(4_000);
    const windowEndMs = windowStartOf(recordedAt) + PERFORMANCE_WINDOW_MS;
    return Math.min(recordedAt + 6_000 + random(54_000), windowEndMs);
  });
}

function randomFact(index: number, startMs: number, random: Random): AdEvent {
  const recordedAt = startMs + random(40 * 60_000);
  const envelope = { schemaVersion: 1, recordedAt } as const;
  const ad = () => {
    const adId = `ad-${random(6)}`;
    return {
      adId,
      campaignId: `c-${adId}`,
      placement: PLACEMENTS[random(2)] ?? 'HOME',
      slot: 1 + random(5),
      requestId: `r${index}`,
    };
  };
  switch (random(4)) {
    case 0: {
      const served = Array.from({ length: 1 + random(4) }, ad);
      return { ...envelope, type: 'ADS_SERVED', eventId: `served:${index}`, served: asServed(served) };
    }
    case 1:
      return { ...envelope, ...ad(), type: 'AD_VIEWED', eventId: `viewed:${index}`, deviceHash: 'd' };
    case 2:
      return { ...envelope, ...decision(index, random), ...ad() };
    default: {
      const conversion = {
        ...ad(),
        orderLineId: `o${index}`,
        orderId: 'o',
        clickId: 'k',
        advertiserId: 's',
        productId: 'p',
        match: 'direct',
        quantity: 1,
        conversionValueKrw: random(90_000),
        clickedAt: startMs,
        convertedAt: startMs,
        rulesVersion: 1,
      } as const;
      return random(3) > 0
        ? { ...envelope, ...conversion, type: 'AD_CONVERTED', eventId: `converted:${index}` }
        : {
            ...envelope,
            ...conversion,
            type: 'AD_CONVERSION_REVERSED',
            eventId: `reversed:${index}`,
            reversedAt: startMs,
          };
    }
  }
}

function decision(
  index: number,
  random: Random,
): Omit<AdClickDecided, 'recordedAt' | 'schemaVersion' | 'adId' | 'campaignId' | 'placement' | 'slot'> {
  const valid = random(4) > 0;
  return {
    type: 'AD_CLICK_DECIDED',
    eventId: `decided:${index}`,
    clickId: `k${index}`,
    advertiserId: 's',
    outcome: valid ? 'charged' : 'invalid',
    reason: valid ? null : 'listed_bot',
    valid,
    chargedCpcKrw: 0,
    cashKrw: 0,
    promoKrw: 0,
    bookedDate: '2026-09-21',
  };
}
