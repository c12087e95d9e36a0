import {
  addDays,
  addMonths,
  type BusinessDate,
  businessDateOf,
  DAY_MS,
  monthStartOf,
  startOfBusinessDate,
} from './business-date.js';
import { err, type Failure, ok, type Result } from './result.js';

/**
 * Why charged clicks are found invalid afterwards. Each rule says what it needs; what it finds is frozen, shown, and
 * taken back only after an admin has confirmed it.
 *
 * | Rule | Finds |
 * |---|---|
 * | device_burst_late | clicks of a device beyond the first N of its last hour, across all campaigns |
 * | bot_list_late | clicks from devices or addresses that were listed as robots after the click |
 * | manual | clicks named one by one, or of a device, an address or a campaign in a period |
 */
export const LATE_RULES = ['device_burst_late', 'bot_list_late', 'manual'] as const;
export type LateRule = (typeof LATE_RULES)[number];

/** What is looked for. Times are epoch ms of the click, `[fromMs, toMs)`; addresses come as hashes only. */
export interface FindingCriteria {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly deviceHashes: readonly string[];
  readonly ipHashes: readonly string[];
  readonly campaignId: string | null;
  readonly clickIds: readonly string[];
  /** Clicks of a device in an hour that nobody objects to; of `device_burst_late` only. */
  readonly clicksPerHour: number | null;
}

export const DEFAULT_CLICKS_PER_HOUR = 60;
export const LEAST_CLICKS_PER_HOUR = 5;
/** One finding, one decision: more is found in parts, by shorter periods. */
export const MOST_CLICKS_OF_A_FINDING = 10_000;
const MOST_DAYS_OF_A_FINDING = 31;
/** Before it there was no click of ours; and earlier years have dates that no store takes. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
/** The burst rule reads every click of its period. */
const MOST_DAYS_OF_A_BURST = 7;
export const BURST_WINDOW_MS = 3_600_000;

const field = (name: string, message: string, nextStep: string): Failure => ({
  code: 'invalid_criteria',
  message,
  nextStep,
  field: `body.${name}`,
});

/** Null when the rule can be asked with these criteria. */
export function criteriaProblem(rule: LateRule, criteria: FindingCriteria, nowMs: number): Failure | null {
  return missingOf(rule, criteria) ?? periodProblem(rule, criteria, nowMs);
}

function missingOf(rule: LateRule, criteria: FindingCriteria): Failure | null {
  const people = criteria.deviceHashes.length + criteria.ipHashes.length;
  if (criteria.clicksPerHour !== null && rule !== 'device_burst_late')
    return field('clicksPerHour', 'Only device_burst_late counts clicks per hour.', 'Leave it out.');
  if (criteria.clickIds.length > 0) {
    const others =
      people > 0 || criteria.campaignId !== null || criteria.fromMs !== null || criteria.toMs !== null;
    if (rule !== 'manual') return field('clickIds', 'Only manual names clicks.', 'Use the rule manual.');
    return others
      ? field('clickIds', 'Named clicks need nothing else.', 'Name either clicks or a search.')
      : null;
  }
  if (rule === 'bot_list_late' && people === 0)
    return field('deviceHash', 'bot_list_late needs a device or an address.', 'Name those that were listed.');
  if (rule === 'manual' && people === 0 && criteria.campaignId === null)
    return field(
      'deviceHash',
      'manual needs clicks, a device, an address or a campaign.',
      'Name one of them.',
    );
  return null;
}

function periodProblem(
  rule: LateRule,
  { fromMs, toMs, clickIds }: FindingCriteria,
  nowMs: number,
): Failure | null {
  if (clickIds.length > 0) return null;
  const mostDays = rule === 'device_burst_late' ? MOST_DAYS_OF_A_BURST : MOST_DAYS_OF_A_FINDING;
  if (fromMs === null) return field('from', 'The period needs a beginning.', 'Send from and to.');
  if (toMs === null) return field('to', 'The period needs an end.', 'Send from and to.');
  if (fromMs < EARLIEST_MS) return field('from', 'There are no clicks that old.', 'Send a later beginning.');
  if (toMs <= fromMs) return field('to', 'The period ends before it begins.', 'Send a later end.');
  if (toMs > nowMs) return field('to', 'The period is not over.', 'Send an end that has passed.');
  if (toMs - fromMs > mostDays * DAY_MS)
    return field('to', `A period has at most ${mostDays} days.`, 'Look at it in parts.');
  return null;
}

/** The longest time from the issue of a token to its click. */
const TOKEN_LIFE_MS = 30 * 60_000;

/** Where clicks of a period can be: months of issue, and the earliest day on which they were booked. */
export function placesOf(fromMs: number, toMs: number): { months: BusinessDate[]; bookedFrom: BusinessDate } {
  const months: BusinessDate[] = [];
  const last = monthStartOf(toMs);
  for (let month = monthStartOf(fromMs - TOKEN_LIFE_MS); month <= last; month = addMonths(month, 1))
    months.push(month);
  return { months, bookedFrom: businessDateOf(fromMs) };
}

/** Epoch ms of clicks, `[fromMs, toMs)`. */
export interface FindingPeriod {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The last day of which every click has arrived: a shop's queue delivers for a day. */
export const completeDayAt = (nowMs: number): BusinessDate => addDays(businessDateOf(nowMs), -2);

export const periodOfDay = (date: BusinessDate): FindingPeriod => ({
  fromMs: startOfBusinessDate(date),
  toMs: startOfBusinessDate(addDays(date, 1)),
});

const SHORTEST_PART_MS = 60_000;

/** A period whose clicks are too many for one finding, in two; none when it is as short as it gets. */
export function halvesOf({ fromMs, toMs }: FindingPeriod): FindingPeriod[] {
  if (toMs - fromMs <= SHORTEST_PART_MS) return [];
  const middleMs = fromMs + Math.ceil((toMs - fromMs) / 2);
  return [
    { fromMs, toMs: middleMs },
    { fromMs: middleMs, toMs },
  ];
}

export const FINDING_STATUSES = ['waiting', 'reversing', 'completed', 'withdrawn', 'expired'] as const;
export type FindingStatus = (typeof FINDING_STATUSES)[number];
export type FindingVerdict = 'confirm' | 'withdraw';

/** What a decision makes of a finding; one that stands already is repeated without harm. */
export function decidedStatus(current: FindingStatus, verdict: FindingVerdict): Result<FindingStatus> {
  if (current === 'waiting') return ok(verdict === 'confirm' ? 'reversing' : 'withdrawn');
  const stands =
    verdict === 'confirm' ? current === 'reversing' || current === 'completed' : current === 'withdrawn';
  if (stands) return ok(current);
  return err({
    code: 'already_decided',
    message: `This finding is ${current}.`,
    nextStep: 'Make a new finding if it has to be looked at again.',
  });
}
