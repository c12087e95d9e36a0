import {
  addDays,
  addMonths,
  type BusinessDate,
  businessDateOf,
  startOfBusinessDate,
} from './business-date.js';
import { isBusinessDay } from './campaign-review-deadline.js';
import { invariant } from './result.js';

/** A calendar month in Korea, `YYYY-MM`. */
export type Month = `${number}-${number}`;

const namesMonth = (text: string): text is Month => /^\d{4}-(0[1-9]|1[0-2])$/.test(text);

/** Years 2000 to 2999: far enough from the ends of the calendar for every date that is computed from a month. */
export function isMonth(text: string): text is Month {
  return namesMonth(text) && text.startsWith('2');
}

export function monthOf(date: BusinessDate): Month {
  const month = date.slice(0, 7);
  invariant(namesMonth(month), `not a date: ${date}`);
  return month;
}

export const firstDayOf = (month: Month): BusinessDate => `${month}-01` as const;
export const firstDayAfter = (month: Month): BusinessDate => addMonths(firstDayOf(month), 1);
/** Also the date that the law wants on the tax invoice of a whole month. */
export const lastDayOf = (month: Month): BusinessDate => addDays(firstDayAfter(month), -1);
export const monthBefore = (date: BusinessDate): Month => monthOf(addMonths(firstDayOf(monthOf(date)), -1));

/** The business day number `n` (from 1) of a month. */
function businessDayOf(month: Month, n: number): BusinessDate {
  let date = addDays(firstDayOf(month), -1);
  for (let left = n; left > 0; ) {
    date = addDays(date, 1);
    if (isBusinessDay(date)) left -= 1;
  }
  return date;
}

const RUN_ON_BUSINESS_DAY = 3;
const RUN_AT_MS = 9 * 3_600_000;
const ALARM_FROM_DAY = 8;
const LAST_DAY = 10;

export interface TaxInvoiceDates {
  /** Business day 3 of the next month, 09:00 in Korea, epoch ms. */
  readonly runsAt: number;
  /** From here on finance is told of every document that is not accepted. */
  readonly alarmFrom: BusinessDate;
  /** The 10th of the next month, or the next business day; later documents cost a penalty. */
  readonly lastDate: BusinessDate;
}

/** The calendar of a month's tax invoices (VAT Act, art. 34 (3): the 10th of the month after). */
export function taxInvoiceDates(month: Month): TaxInvoiceDates {
  const next = monthOf(firstDayAfter(month));
  let lastDate = addDays(firstDayOf(next), LAST_DAY - 1);
  while (!isBusinessDay(lastDate)) lastDate = addDays(lastDate, 1);
  return {
    runsAt: startOfBusinessDate(businessDayOf(next, RUN_ON_BUSINESS_DAY)) + RUN_AT_MS,
    alarmFrom: addDays(firstDayOf(next), ALARM_FROM_DAY - 1),
    lastDate,
  };
}

export const isLate = (month: Month, nowMs: number) =>
  businessDateOf(nowMs) > taxInvoiceDates(month).lastDate;
