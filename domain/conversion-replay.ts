import { addDays, DAY_MS, isBusinessDate, startOfBusinessDate } from './business-date.js';
import { err, type Failure, ok, type Result } from './result.js';

export const CONVERSION_REPLAY_STATES = ['running', 'done', 'failed', 'applied', 'undone'] as const;
/** done: compared, shown nowhere. applied: reports show it. undone: reports show what they showed before. */
export type ConversionReplayState = (typeof CONVERSION_REPLAY_STATES)[number];

/** Order lines by when we recorded them, `[fromMs, toMs)`. */
export interface ReplayRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the log still has: order lines and clicks recorded before were deleted. 0: nothing was, ever. */
export interface KeptLog {
  readonly linesFromMs: number;
  readonly clicksFromMs: number;
  /** Everything recorded before has been appended. */
  readonly completeUntilMs: number;
}

/** The shop and the ad server repeat for a day what was not confirmed; the first in the log is what counts. */
const REPEATED_WITHIN_MS = DAY_MS;

/**
 * The order lines that a replay may decide. Near the log's beginning a record may be the repetition of one that was
 * deleted, with another time, and an order line may have lost the click that it came from. One that is newer than
 * `completeUntilMs` may not be in the log yet. All of these stay as they are.
 * Failures: `invalid_request`, `log_not_kept`.
 */
export function replayRange(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined },
  kept: KeptLog,
  clickWindowMs: number,
): Result<ReplayRange> {
  const { from, to } = asked;
  if (from !== undefined && !isBusinessDate(from)) return err(notADay('from'));
  if (to !== undefined && !isBusinessDate(to)) return err(notADay('to'));
  const linesWhole = kept.linesFromMs === 0 ? 0 : kept.linesFromMs + REPEATED_WITHIN_MS;
  const clicksWhole = kept.clicksFromMs === 0 ? 0 : kept.clicksFromMs + REPEATED_WITHIN_MS + clickWindowMs;
  const firstMs = Math.max(linesWhole, clicksWhole);
  const fromMs = from === undefined ? firstMs : startOfBusinessDate(from);
  if (fromMs < firstMs) return err(notKept(firstMs));
  const endMs = to === undefined ? kept.completeUntilMs : startOfBusinessDate(addDays(to, 1));
  const toMs = Math.min(endMs, kept.completeUntilMs);
  return toMs > fromMs ? ok({ fromMs, toMs }) : err(NOTHING_TO_REPLAY);
}

const notADay = (field: string): Failure => ({
  code: 'invalid_request',
  message: `${field}: not a day (YYYY-MM-DD).`,
  nextStep: 'Name Korean calendar days; both are included.',
  field,
});

const notKept = (firstMs: number): Failure => ({
  code: 'log_not_kept',
  message: `The log can decide order lines from ${new Date(firstMs).toISOString()} on: what lay before was deleted.`,
  nextStep: 'Choose a later --from, or leave it out for all that can be decided.',
});

const NOTHING_TO_REPLAY: Failure = {
  code: 'invalid_request',
  message: 'The range holds no time that the log has.',
  nextStep: 'Choose days of which at least a part has passed, the first not after the last.',
};

export interface AppliedReplay extends ReplayRange {
  readonly replayId: number;
  /** In the order in which they were applied. */
  readonly appliedNo: number;
}

export interface AttributionRange extends ReplayRange {
  /** Null: order lines of this range are shown as the deployed statement matched them. */
  readonly replayId: number | null;
}

/** Later than any time that a record has: JavaScript's largest exact integer. */
export const END_OF_TIME_MS = Number.MAX_SAFE_INTEGER;

/** Which replay each moment is shown by: the one that was applied last of those that cover it. Without gaps. */
export function attributionRanges(applied: readonly AppliedReplay[]): readonly AttributionRange[] {
  const latestFirst = [...applied].sort((a, b) => b.appliedNo - a.appliedNo);
  const edges = [0, END_OF_TIME_MS, ...applied.flatMap(({ fromMs, toMs }) => [fromMs, toMs])];
  const sorted = [...new Set(edges)].sort((a, b) => a - b);
  const ranges: AttributionRange[] = [];
  for (const [index, fromMs] of sorted.slice(0, -1).entries()) {
    const toMs = sorted[index + 1] ?? END_OF_TIME_MS;
    const covering = latestFirst.find((one) => one.fromMs <= fromMs && toMs <= one.toMs);
    const replayId = covering?.replayId ?? null;
    const before = ranges.at(-1);
    if (before !== undefined && before.replayId === replayId) {
      ranges[ranges.length - 1] = { ...before, toMs };
    } else ranges.push({ fromMs, toMs, replayId });
  }
  return ranges;
}
