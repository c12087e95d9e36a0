import { setTimeout as delay } from 'node:timers/promises';
import { addDays, businessDateOf, startOfBusinessDate } from '../../domain/business-date.js';

/** Longer than any file with real components takes. */
const LONGEST_FILE_MS = 3 * 60_000;

/**
 * Before each file with real components. Their days are Korean ones of this machine's clock, and a day that ends in
 * the middle takes today's spend, stops and settlements along: no file begins when midnight is that near.
 */
const now = Date.now();
const midnight = startOfBusinessDate(addDays(businessDateOf(now), 1));
if (midnight - now < LONGEST_FILE_MS) {
  const waitMs = midnight - now + 1_000;
  process.stdout.write(`midnight in Korea is near: waiting ${Math.ceil(waitMs / 1_000)} s\n`);
  await delay(waitMs);
}
