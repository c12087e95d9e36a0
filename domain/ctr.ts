import { DAY_MS } from './business-date.js';
import { slotWeightMilli } from './ranking.js';

/**
 * Click-through counts of the ranking, recomputed from facts. This is the rule; the Flink statement `rtb-ranking`
 * does the same continuously and is tested against it.
 */
export const CTR_WINDOW_MS = 5 * 60_000;
/** The window that closed last and the 287 before it. */
export const CTR_WINDOWS = DAY_MS / CTR_WINDOW_MS;

/** The ads of one record of the log, of one request or many. A repeat has the same event id. */
export interface ServedFact {
  readonly recordedAt: number;
  readonly eventId: string;
  readonly ads: readonly { readonly adId: string; readonly placement: string; readonly slot: number }[];
}

/** One decided click of a person. A repeat has the same event id, and may be recorded later. */
export interface ClickFact {
  readonly recordedAt: number;
  readonly eventId: string;
  readonly adId: string;
  readonly placement: string;
}

export interface ClickThrough {
  readonly clicks: number;
  readonly weightedImpressionsMilli: number;
}

export const clickThroughKey = (adId: string, placement: string) => `${placement} ${adId}`;

/** Start of the five minutes `[start, start + 5 min)` that hold this instant. */
const windowOf = (epochMs: number) => Math.floor(epochMs / CTR_WINDOW_MS) * CTR_WINDOW_MS;

/**
 * Counts per ad and placement, as of the newest window in which the ad was shown or clicked there and which had
 * ended by `closedUntilMs`. Keys: `clickThroughKey`.
 */
export function countClickThrough(
  served: readonly ServedFact[],
  clicks: readonly ClickFact[],
  closedUntilMs: number,
): ReadonlyMap<string, ClickThrough> {
  const windows = new Map<string, Map<number, { clicks: number; weightMilli: number }>>();
  const cell = (adId: string, placement: string, start: number) => {
    const key = clickThroughKey(adId, placement);
    const ofAd = windows.get(key) ?? new Map<number, { clicks: number; weightMilli: number }>();
    windows.set(key, ofAd);
    const found = ofAd.get(start) ?? { clicks: 0, weightMilli: 0 };
    ofAd.set(start, found);
    return found;
  };
  const isClosed = (fact: { recordedAt: number }) =>
    windowOf(fact.recordedAt) + CTR_WINDOW_MS <= closedUntilMs;

  for (const { recordedAt, ads } of onceEach(served.filter(isClosed))) {
    for (const ad of ads) {
      cell(ad.adId, ad.placement, windowOf(recordedAt)).weightMilli += slotWeightMilli(ad.slot);
    }
  }
  for (const fact of firstInADay(clicks.filter(isClosed))) {
    cell(fact.adId, fact.placement, windowOf(fact.recordedAt)).clicks += 1;
  }
  return new Map([...windows].map(([key, ofAd]) => [key, lastDay(ofAd)]));
}

function lastDay(ofAd: ReadonlyMap<number, { clicks: number; weightMilli: number }>): ClickThrough {
  const newest = Math.max(...ofAd.keys());
  let clicks = 0;
  let weightedImpressionsMilli = 0;
  for (const [start, counts] of ofAd) {
    if (start <= newest - DAY_MS) continue;
    clicks += counts.clicks;
    weightedImpressionsMilli += counts.weightMilli;
  }
  return { clicks, weightedImpressionsMilli };
}

/** What was served counts once per window and event id: the earliest of its repeats. */
function onceEach(served: readonly ServedFact[]): Iterable<ServedFact> {
  const kept = new Map<string, ServedFact>();
  for (const fact of served) {
    const key = JSON.stringify([windowOf(fact.recordedAt), fact.eventId]);
    const before = kept.get(key);
    if (before === undefined || fact.recordedAt < before.recordedAt) kept.set(key, fact);
  }
  return kept.values();
}

/** A click counts in the first window that holds its event id, unless another one within 24 hours before did. */
function firstInADay(clicks: readonly ClickFact[]): readonly ClickFact[] {
  const kept: ClickFact[] = [];
  const lastSeen = new Map<string, number>();
  for (const fact of [...clicks].sort((a, b) => a.recordedAt - b.recordedAt)) {
    const start = windowOf(fact.recordedAt);
    const before = lastSeen.get(fact.eventId);
    lastSeen.set(fact.eventId, start);
    if (before === undefined || start - before > DAY_MS) kept.push(fact);
  }
  return kept;
}
