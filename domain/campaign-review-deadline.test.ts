import { expect, test } from 'vitest';
import type { BusinessDate } from './business-date.js';
import { isBusinessDay, reviewDeadline } from './campaign-review-deadline.js';

const deadlineOf = (korean: string) => new Date(reviewDeadline(Date.parse(`${korean}+09:00`))).toISOString();

test.each([
  ['a Tuesday', '2026-03-10T09:00:00', '2026-03-11T09:00:00.000Z'],
  ['the last minute of a Tuesday', '2026-03-10T23:59:00', '2026-03-11T09:00:00.000Z'],
  ['a Friday', '2026-03-13T10:00:00', '2026-03-16T09:00:00.000Z'],
  ['the day before Seollal', '2026-02-13T10:00:00', '2026-02-19T09:00:00.000Z'],
  ['New Year’s Eve', '2026-12-31T10:00:00', '2027-01-04T09:00:00.000Z'],
])('submitted on %s: decided by 18:00 KST of the next business day', (_name, submitted, deadline) => {
  expect(deadlineOf(submitted)).toBe(deadline);
});

test('weekends and public holidays are free', () => {
  expect(
    ['2026-03-14', '2026-03-15', '2026-10-09', '2026-03-16'].map((date) =>
      isBusinessDay(date as BusinessDate),
    ),
  ).toEqual([false, false, false, true]);
});
