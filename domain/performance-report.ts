import { addDays, type BusinessDate, DAY_MS, isBusinessDate, startOfBusinessDate } from './business-date.js';
import { err, type Failure, ok, type Result } from './result.js';

/** Three months: what a person compares, and what one query may cost. */
export const MAX_REPORT_DAYS = 92;
/** A click can still convert for this long. */
export const COLLECTING_MS = DAY_MS;

/** Both days included. */
export interface ReportRange {
  readonly from: BusinessDate;
  readonly to: BusinessDate;
}

export function reportRange(from: string, to: string): Result<ReportRange> {
  if (!isBusinessDate(from)) return err(wrong('from', 'not a day (YYYY-MM-DD)'));
  if (!isBusinessDate(to)) return err(wrong('to', 'not a day (YYYY-MM-DD)'));
  if (to < from) return err(wrong('to', 'must not be before `from`'));
  if (to > addDays(from, MAX_REPORT_DAYS - 1)) {
    return err(wrong('to', `at most ${MAX_REPORT_DAYS} days in one report`));
  }
  return ok({ from, to });
}

const wrong = (field: string, message: string): Failure => ({
  code: 'invalid_request',
  message: `${field}: ${message}.`,
  nextStep: 'Correct the range of days and ask again.',
  field: `query.${field}`,
});

/** True while conversions of clicks of this day (the last one of a row) may still come. */
export function isCollecting(lastDay: BusinessDate, now: number): boolean {
  return startOfBusinessDate(lastDay) + DAY_MS > now - COLLECTING_MS;
}

/** Counts as they are summed, before the rates. */
export interface ReportCounts {
  readonly servedImpressions: number;
  readonly viewedImpressions: number;
  readonly chargedClicks: number;
  readonly invalidClicks: number;
  readonly unpaidClicks: number;
  /** What the unpaid clicks would have cost: the platform bears it. */
  readonly overDeliveryKrw: number;
  readonly spendKrw: number;
  readonly reversedKrw: number;
  readonly directConversions: number;
  readonly indirectConversions: number;
  readonly conversionValueKrw: number;
}

export interface ReportRates {
  readonly averageCpcKrw: number | null;
  readonly ctr: number | null;
  readonly cvr: number | null;
  readonly roas: number | null;
}

/** Six digits: parts per million. Null where there is nothing to divide by. */
export function ratio(numerator: number, denominator: number, digits = 6): number | null {
  if (denominator <= 0) return null;
  const scale = 10 ** digits;
  return Math.round((numerator / denominator) * scale) / scale;
}

/** Valid clicks are people's clicks, charged or not; money is what was charged and not taken back. */
export function reportRates(counts: ReportCounts): ReportRates {
  const validClicks = counts.chargedClicks + counts.unpaidClicks;
  const conversions = counts.directConversions + counts.indirectConversions;
  return {
    averageCpcKrw: ratio(counts.spendKrw, counts.chargedClicks, 1),
    ctr: ratio(validClicks, counts.servedImpressions),
    cvr: ratio(conversions, validClicks),
    roas: ratio(counts.conversionValueKrw, counts.spendKrw - counts.reversedKrw, 4),
  };
}
