import { invariant } from './result.js';

/** A calendar day in Korea, `YYYY-MM-DD`. Korea is a constant +09:00, so plain arithmetic is exact. */
export type BusinessDate = `${number}-${number}-${number}`;

export const SEOUL_OFFSET_MS = 9 * 3_600_000;
export const DAY_MS = 86_400_000;

/** The Korean calendar day that contains this instant (`[00:00, 24:00)` KST). */
export function businessDateOf(epochMs: number): BusinessDate {
  return new Date(epochMs + SEOUL_OFFSET_MS).toISOString().slice(0, 10) as BusinessDate;
}

/** First instant of a Korean day, as epoch milliseconds. */
export function startOfBusinessDate(date: BusinessDate): number {
  const ms = Date.parse(`${date}T00:00:00+09:00`);
  invariant(Number.isFinite(ms), `not a date: ${date}`);
  return ms;
}

export function addDays(date: BusinessDate, days: number): BusinessDate {
  return businessDateOf(startOfBusinessDate(date) + days * DAY_MS);
}

/** First day of the Korean month that contains this instant: the name of a monthly partition. */
export function monthStartOf(epochMs: number): BusinessDate {
  return `${businessDateOf(epochMs).slice(0, 7)}-01` as BusinessDate;
}

/** First day of the month `months` later (or earlier, when negative). */
export function addMonths(monthStart: BusinessDate, months: number): BusinessDate {
  const [year, month] = monthStart.split('-').map(Number);
  invariant(year !== undefined && month !== undefined, `not a month: ${monthStart}`);
  const index = year * 12 + (month - 1) + months;
  const y = Math.floor(index / 12);
  return `${y}-${String((index % 12) + 1).padStart(2, '0')}-01` as BusinessDate;
}

/** True for `YYYY-MM-DD` that names a real day; JavaScript itself reads 31 February as 3 March and knows a year 0. */
export function isBusinessDate(text: string): text is BusinessDate {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
