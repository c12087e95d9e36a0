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

/**
 * True when this click itself can never be stored: a value that PostgreSQL refuses (class 22), or a constraint of the
 * click's own row. Every other refusal (a missing partition, a closed day, a projection out of step) is a fault of
 * the installation: setting clicks aside for it would lose good ones, so it is waited out, loudly.
 */
export function isPoison(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  if (/^22\w{3}$/.test(error.code)) return true;
  const table = 'table' in error && typeof error.table === 'string' ? error.table : '';
  const constraint = 'constraint' in error ? error.constraint : undefined;
  return (
    /^23\w{3}$/.test(error.code) && /^click_charge(_\d{4}_\d{2})?$/.test(table) && constraint !== undefined
  );
}
