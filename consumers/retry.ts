import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

interface RetryOptions {
  /** False ends the retries: the process stops or the partition moved to another worker. */
  readonly keepGoing: () => boolean;
  readonly log: Logger;
  readonly what: string;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;

/**
 * Repeats until it succeeds, with growing pauses: an outage delays, it never skips. Null: told to stop.
 * Poison (the data, not the store, is at fault) is thrown at once.
 */
export async function retryWhileRunning<T>(run: () => Promise<T>, options: RetryOptions): Promise<T | null> {
  let pauseMs = FIRST_DELAY_MS;
  for (;;) {
    if (!options.keepGoing()) return null;
    try {
      return await run();
    } catch (error) {
      if (isPoison(error)) throw error;
      options.log.warn({ error: String(error), pauseMs }, `could not ${options.what}, trying again`);
      await delay(pauseMs);
      pauseMs = Math.min(LONGEST_DELAY_MS, pauseMs * 2);
    }
  }
}

/** SQLSTATE classes 22 (data) and 23 (constraint): trying the same row again gives the same refusal. */
export function isPoison(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^2[23]\w{3}$/.test(code);
}
