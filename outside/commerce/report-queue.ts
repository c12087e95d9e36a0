/** What the log of the shop must be able to do; pino's fits. */
export interface ShopLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Sends once more; `done` is any final answer. Never rejects. */
export type SendAgain = () => Promise<'done' | { readonly retryAfterMs: number }>;

/** The ad system takes a click up to 24 hours after its ads were served; later it would be refused anyway. */
const KEPT_MS = 24 * 3_600_000;
const CAPACITY = 10_000;
/** Whatever `Retry-After` says: zero would be a crowd, and more than a timer holds would be none at all. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/**
 * Reports that found nobody, one at a time: an ad system that comes back is not met by a crowd. One that fails
 * again goes to the end of the line, which then rests as long as `Retry-After` asked, between one and 30 seconds, and
 * longer each time. In memory: a shop with more to lose keeps it in its own store.
 */
export function createReportQueue(log: ShopLog, capacity = CAPACITY) {
  const waiting: { readonly what: string; readonly since: number; readonly sendAgain: SendAgain }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let closed = false;

  const schedule = (pauseMs: number) => {
    if (closed || waiting.length === 0) return;
    timer = setTimeout(() => void sendFirst(), pauseMs);
    timer.unref();
  };
  const sendFirst = async () => {
    const first = waiting[0];
    if (first === undefined) return;
    const answer = await first.sendAgain();
    waiting.shift();
    if (answer === 'done') {
      failures = 0;
      schedule(0);
      return;
    }
    failures += 1;
    if (performance.now() - first.since < KEPT_MS) waiting.push(first);
    else log.error({ what: first.what }, 'a report was given up after 24 hours');
    schedule(Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, answer.retryAfterMs) * 2 ** (failures - 1)));
  };
  return {
    length: () => waiting.length,
    /** False when the queue is full or closed. */
    add(what: string, sendAgain: SendAgain): boolean {
      if (closed || waiting.length >= capacity) {
        log.error({ what, waiting: waiting.length }, 'a report is lost: the queue takes no more');
        return false;
      }
      waiting.push({ what, since: performance.now(), sendAgain });
      if (waiting.length === 1) schedule(MIN_PAUSE_MS);
      return true;
    },
    close(): void {
      closed = true;
      clearTimeout(timer);
      if (waiting.length > 0) log.error({ lost: waiting.length }, 'the shop closes with reports unsent');
    },
  };
}
