import { addDays, type BusinessDate, businessDateOf, startOfBusinessDate } from './business-date.js';

/**
 * Korean public holidays and their substitutes that fall on weekdays, as announced for these years.
 * Beyond the last year only weekends count as free, so a deadline can only come out too early.
 */
export const PUBLIC_HOLIDAYS: readonly BusinessDate[] = [
  '2025-01-01',
  '2025-01-28',
  '2025-01-29',
  '2025-01-30',
  '2025-03-03',
  '2025-05-05',
  '2025-05-06',
  '2025-06-03',
  '2025-06-06',
  '2025-08-15',
  '2025-10-03',
  '2025-10-06',
  '2025-10-07',
  '2025-10-08',
  '2025-10-09',
  '2025-12-25',
  '2026-01-01',
  '2026-02-16',
  '2026-02-17',
  '2026-02-18',
  '2026-03-02',
  '2026-05-05',
  '2026-05-25',
  '2026-06-03',
  '2026-08-17',
  '2026-09-24',
  '2026-09-25',
  '2026-10-05',
  '2026-10-09',
  '2026-12-25',
  '2027-01-01',
  '2027-02-08',
  '2027-02-09',
  '2027-03-01',
  '2027-05-05',
  '2027-05-13',
  '2027-08-16',
  '2027-09-14',
  '2027-09-15',
  '2027-09-16',
  '2027-10-04',
  '2027-10-11',
  '2027-12-27',
];
const HOLIDAYS: ReadonlySet<string> = new Set(PUBLIC_HOLIDAYS);

/** Reviews are promised by the end of office hours of the next business day. */
export const REVIEW_BUSINESS_DAYS = 1;
const END_OF_OFFICE_HOURS_MS = 18 * 3_600_000;

export function isBusinessDay(date: BusinessDate): boolean {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !HOLIDAYS.has(date);
}

/** The instant by which a campaign that was submitted at `submittedAtMs` should be decided. */
export function reviewDeadline(submittedAtMs: number): number {
  let date = businessDateOf(submittedAtMs);
  for (let left = REVIEW_BUSINESS_DAYS; left > 0; ) {
    date = addDays(date, 1);
    if (isBusinessDay(date)) left -= 1;
  }
  return startOfBusinessDate(date) + END_OF_OFFICE_HOURS_MS;
}
