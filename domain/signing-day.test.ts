import { describe, expect, it } from 'vitest';
import { CLICK_DELIVERY_WINDOW_MS } from './click-outcome.js';
import { KEY_VERIFIES_AFTER_DAY_MS, keyStateAt, signingDayOf } from './signing-day.js';

const HOUR_MS = 3_600_000;
const midnight = Date.parse('2026-11-24T00:00:00Z');
const day = signingDayOf(midnight);
const dayEnd = midnight + 24 * HOUR_MS;

describe('the key of a day', () => {
  it('is that of the UTC day in which a token is issued', () => {
    expect(signingDayOf(midnight - 1)).toBe(day - 1);
    expect(signingDayOf(dayEnd - 1)).toBe(day);
    expect(signingDayOf(dayEnd)).toBe(day + 1);
  });

  it.each([
    ['in its day', midnight, 'verifies'],
    ['36 hours after its day', dayEnd + KEY_VERIFIES_AFTER_DAY_MS, 'verifies'],
    ['one millisecond later', dayEnd + KEY_VERIFIES_AFTER_DAY_MS + 1, 'expired'],
    ['a day early, for a server whose clock is behind', midnight - 24 * HOUR_MS, 'verifies'],
    ['earlier than that', midnight - 24 * HOUR_MS - 1, 'not_yet'],
  ])('%s', (_when, now, state) => {
    expect(keyStateAt(day, now)).toBe(state);
  });

  it('outlives every delivery of its tokens', () => {
    for (const issuedAt of [midnight, midnight + 12 * HOUR_MS, dayEnd - 1])
      expect(keyStateAt(signingDayOf(issuedAt), issuedAt + CLICK_DELIVERY_WINDOW_MS)).toBe('verifies');
  });
});
