import { setTimeout as delay } from 'node:timers/promises';

/**
 * What a shared machine may take away at any moment: added to a time that is promised, where what is late by a defect
 * (a repetition, a reconciliation, a connection that counts as lost, never) is later than that.
 */
export const STALL_MS = 4_000;

/** Asks until the answer is there; a deadline instead of a sleep. Throws with `what` when it passes. */
export async function poll<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false>,
  deadlineMs = 30_000,
  everyMs = 20,
): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(everyMs);
  }
}

/** Value at a quantile of numbers, by nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
