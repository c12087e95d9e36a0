/**
 * Tokens are signed with a key of their day, so that no key signs for longer than 24 hours. Days are those of UTC,
 * counted from 1970: a key day is no business day, and a token that is issued around midnight in Seoul is like any
 * other.
 */
export type SigningDay = number;

const DAY_MS = 24 * 3_600_000;

/**
 * How long the key of a day verifies after its day ended. A click may be delivered 24 hours after its token was
 * issued, so the last token of a day needs 24 of these hours; 12 more tell a click that came too late, which is an
 * event with its reason, from a forgery, which is nothing.
 */
export const KEY_VERIFIES_AFTER_DAY_MS = 36 * 3_600_000;

/** Servers differ by milliseconds, and by the age of their copy of the business clock: one signs already tomorrow. */
const DAYS_AHEAD = 1;

export const signingDayOf = (issuedAt: number): SigningDay => Math.floor(issuedAt / DAY_MS);

/** What the key of a day may still do at `now`. */
export function keyStateAt(day: SigningDay, now: number): 'verifies' | 'expired' | 'not_yet' {
  if (day > signingDayOf(now) + DAYS_AHEAD) return 'not_yet';
  return now <= (day + 1) * DAY_MS + KEY_VERIFIES_AFTER_DAY_MS ? 'verifies' : 'expired';
}
