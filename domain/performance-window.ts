import { grouped } from './grouped.js';

/** Length of a window, and how often its early results come. */
export const PERFORMANCE_WINDOW_MS = 300_000;
export const PERFORMANCE_STEP_MS = 10_000;

const PPM = 1_000_000;

/** One thing that is counted, at the time when its event was recorded. */
export interface PerformanceFact {
  readonly recordedAt: number;
  readonly adId: string;
  readonly placement: string;
  readonly kind: 'served' | 'viewed' | 'click' | 'conversion' | 'reversal';
  /** Of conversions and reversals. */
  readonly valueKrw?: number;
}

export interface PerformanceCounts {
  readonly servedImpressions: number;
  readonly viewedImpressions: number;
  readonly clicks: number;
  /** Conversions less reversals: may be below zero. */
  readonly conversions: number;
  readonly conversionValueKrw: number;
}

/** An ad on a placement from the start of a window of five minutes up to `windowEndMs`. */
export interface PerformanceWindow extends PerformanceCounts {
  readonly adId: string;
  readonly placement: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly isFinal: boolean;
}

/** Clicks per served impression, in parts per million; 0 when nothing was served. May exceed one: late clicks. */
export function ctrPpm(counts: PerformanceCounts): number {
  return partsPerMillion(counts.clicks, counts.servedImpressions);
}

/** Conversions per click, in parts per million; 0 without clicks. Below zero when reversals outnumber conversions. */
export function cvrPpm(counts: PerformanceCounts): number {
  return partsPerMillion(counts.conversions, counts.clicks);
}

/** Whole, towards zero: as Flink divides integers. */
function partsPerMillion(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.trunc((part * PPM) / whole) + 0;
}

/**
 * What `performance-5m` computes, as plain code over a whole log: for every window of an ad on a placement its final
 * result and, with `early`, one for each step in which something happened. Facts are counted as they are: repeats are
 * taken out before.
 */
export function performanceWindows(
  facts: readonly PerformanceFact[],
  options: { readonly early: boolean } = { early: false },
): readonly PerformanceWindow[] {
  const groups = grouped(facts, (fact) =>
    JSON.stringify([fact.adId, fact.placement, windowStartOf(fact.recordedAt)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const startMs = windowStartOf(first.recordedAt);
    const ends = options.early ? stepEnds(startMs, group) : [startMs + PERFORMANCE_WINDOW_MS];
    return ends.map((endMs) => windowUpTo(first, startMs, endMs, group));
  });
}

export const windowStartOf = (atMs: number) => atMs - (atMs % PERFORMANCE_WINDOW_MS);

/** The ends of the steps that hold a fact, and of the window. */
function stepEnds(startMs: number, facts: readonly PerformanceFact[]): number[] {
  const ends = facts.map(
    ({ recordedAt }) => recordedAt - (recordedAt % PERFORMANCE_STEP_MS) + PERFORMANCE_STEP_MS,
  );
  return [...new Set([...ends, startMs + PERFORMANCE_WINDOW_MS])].sort((a, b) => a - b);
}

function windowUpTo(
  ad: Pick<PerformanceFact, 'adId' | 'placement'>,
  windowStartMs: number,
  windowEndMs: number,
  facts: readonly PerformanceFact[],
): PerformanceWindow {
  const counted = facts.filter((fact) => fact.recordedAt < windowEndMs);
  const countOf = (kind: PerformanceFact['kind']) => counted.filter((fact) => fact.kind === kind).length;
  const valueSum = (kind: PerformanceFact['kind']) =>
    counted.reduce((sum, fact) => sum + (fact.kind === kind ? (fact.valueKrw ?? 0) : 0), 0);
  return {
    adId: ad.adId,
    placement: ad.placement,
    windowStartMs,
    windowEndMs,
    isFinal: windowEndMs - windowStartMs === PERFORMANCE_WINDOW_MS,
    servedImpressions: countOf('served'),
    viewedImpressions: countOf('viewed'),
    clicks: countOf('click'),
    conversions: countOf('conversion') - countOf('reversal'),
    conversionValueKrw: valueSum('conversion') - valueSum('reversal'),
  };
}
