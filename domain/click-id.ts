import { type BusinessDate, monthStartOf } from './business-date.js';
import { invariant } from './result.js';

/**
 * A UUIDv7-shaped id of the only click that one served ad can ever be charged for:
 * 48 bits of token issue time (epoch ms), then version, variant and 74 bits of hash(request id, ad id).
 * Whatever is retried, the id is the same; and the partition of the click can be read out of it.
 */
export type ClickId = string & { readonly __clickId: true };

/** Lays out the id. `hashHex` is a hash of request id and ad id, at least 20 hex digits (80 bits). */
export function clickIdFrom(issuedAtMs: number, hashHex: string): ClickId {
  invariant(
    Number.isSafeInteger(issuedAtMs) && issuedAtMs >= 0 && issuedAtMs < END_OF_TIME_MS,
    `not a time: ${issuedAtMs}`,
  );
  invariant(/^[0-9a-f]{20,}$/.test(hashHex), 'a click id needs at least 20 hex digits of hash');
  const time = issuedAtMs.toString(16).padStart(12, '0');
  const variant = ((Number.parseInt(hashHex.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hashHex.slice(0, 3)}-${variant}${hashHex.slice(4, 7)}-${hashHex.slice(7, 19)}` as ClickId;
}

/** In the year 9774. Up to it, and so up to `d`, the month of an id is a date everywhere; later years have five digits. */
const END_OF_TIME_MS = 0xe00000000000;
const CLICK_ID = /^[0-9a-d][0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isClickId(text: string): text is ClickId {
  return CLICK_ID.test(text);
}

/** When the token of this click was issued, epoch milliseconds. */
export function issuedAtOf(clickId: ClickId): number {
  return Number.parseInt(clickId.slice(0, 8) + clickId.slice(9, 13), 16);
}

/** First day (KST) of the month of issue: the partition that holds this click for ever. */
export function issuedMonthOf(clickId: ClickId): BusinessDate {
  return monthStartOf(issuedAtOf(clickId));
}
