import type { DropReason, ShopLog, UnsentReport } from './types.js';

/** Sends once more, ended early by `closing`; `done` is any final answer. Never rejects. */
export type SendAgain = (
  closing: AbortSignal,
) => Promise<'done' | 'refused' | { readonly retryAfterMs: number | null }>;

export interface ReportQueueOptions {
  readonly log: ShopLog;
  /** Reports that wait at most; the next one is dropped. */
  readonly capacity?: number;
  /** [0, 1); spreads the repetitions of many shop servers. */
  readonly random?: () => number;
  /** Told of every report that will not be sent again: the place for a store of the shop's own. */
  readonly onDropped?: (report: UnsentReport, reason: DropReason) => void;
}

/** The ad system takes a click up to 24 hours after its ads were served; later it would be refused anyway. */
const KEPT_MS = 24 * 3_600_000;
const CAPACITY = 10_000;
const MIN_PAUSE_MS = 1_000;
/** Of our own doubling. */
const MAX_PAUSE_MS = 30_000;
/** Whatever `Retry-After` says: longer than this is a mistake of somebody's. */
const MAX_RETRY_AFTER_MS = 300_000;
/** At most so much longer, by chance. */
const JITTER = 0.2;

interface Waiting {
  readonly report: UnsentReport;
  readonly since: number;
  readonly sendAgain: SendAgain;
}

/**
 * Reports that found nobody, one at a time: an ad system that comes back is not met by a crowd. One that fails
 * again goes to the end of the line, which then rests for at least as long as `Retry-After` asked and longer each
 * time, from one second to 30. In memory: a shop with more to lose keeps what `onDropped` tells it, and hands it to
 * `resend` later.
 */
export function createReportQueue(options: ReportQueueOptions) {
  const { log, capacity = CAPACITY, random = Math.random, onDropped = () => {} } = options;
  const waiting: Waiting[] = [];
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;

  const schedule = (pauseMs: number) => {
    if (closing.signal.aborted || waiting.length === 0) return;
    timer = setTimeout(() => void sendFirst(), pauseMs);
    timer.unref();
  };
  const drop = (report: UnsentReport, reason: DropReason) => {
    log.error({ kind: report.kind, reason, waiting: waiting.length }, 'a report is lost');
    try {
      onDropped(report, reason);
    } catch (error) {
      log.error({ kind: report.kind, error: String(error) }, 'onDropped failed');
    }
  };
  const sendFirst = async () => {
    const first = waiting[0];
    if (first === undefined) return;
    const answer = await first.sendAgain(closing.signal);
    // Whatever waited when the shop closed has been told of by then.
    if (closing.signal.aborted) return;
    waiting.shift();
    if (answer === 'done' || answer === 'refused') {
      if (answer === 'refused') drop(first.report, 'refused');
      failures = 0;
      schedule(0);
      return;
    }
    if (performance.now() - first.since < KEPT_MS) waiting.push(first);
    else drop(first.report, 'old');
    schedule(pauseAfter(failures, answer.retryAfterMs, random()));
    failures += 1;
  };
  return {
    length: () => waiting.length,
    /** False when the queue is full or closed. `retryAfterMs`: what the first answer asked for. */
    add(report: UnsentReport, retryAfterMs: number | null, sendAgain: SendAgain): boolean {
      const closed = closing.signal.aborted;
      if (closed || waiting.length >= capacity) {
        drop(report, closed ? 'closed' : 'full');
        return false;
      }
      waiting.push({ report, since: performance.now(), sendAgain });
      if (waiting.length === 1) schedule(pauseAfter(0, retryAfterMs, random()));
      return true;
    },
    close(): void {
      if (closing.signal.aborted) return;
      closing.abort();
      clearTimeout(timer);
      for (const { report } of waiting) drop(report, 'closed');
    },
  };
}

function pauseAfter(failures: number, retryAfterMs: number | null, random: number): number {
  const own = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures);
  const asked = Math.min(MAX_RETRY_AFTER_MS, retryAfterMs ?? 0);
  return Math.max(own, asked) * (1 + JITTER * random);
}
