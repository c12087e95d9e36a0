import { describe, expect, it } from 'vitest';
import { CLICK_DELIVERY_WINDOW_MS, CLICK_TOKEN_LIFE_MS } from './click-outcome.js';
import {
  type ClickTokenPayload,
  clampClickedAt,
  countedAt,
  decodeTokenPayload,
  encodeTokenPayload,
  isTokenExpired,
} from './click-token.js';

const payload: ClickTokenPayload = {
  issuedAt: 1_795_000_000_000,
  requestId: 'q0QeTq1WQf2mO3Gx0bT1Zg',
  placement: 'SEARCH',
  deviceHash: 'd'.repeat(32),
  ads: [1, 2].map((slot) => ({
    adId: `ad_${slot}`,
    campaignId: `cmp_${slot}`,
    advertiserId: `adv_${slot}`,
    productId: `p${slot}`,
    slot,
    priceKrw: 120 + slot,
    rankScore: 2_400_000,
    runnerUpScore: slot === 1 ? 2_300_000 : null,
    bidFloorKrw: 50,
    parametersVersion: 3,
  })),
};

describe('token layout', () => {
  it('comes back as it went', () => {
    expect(decodeTokenPayload(encodeTokenPayload(payload))).toEqual(payload);
  });

  it.each([
    ['no JSON', '[1,'],
    ['not an array', '{}'],
    ['a field missing', JSON.stringify([payload.issuedAt, 'r', 'HOME', 'd'])],
    ['an unknown placement', JSON.stringify([payload.issuedAt, 'r', 'MOON', 'd', []])],
    ['an ad cut short', JSON.stringify([payload.issuedAt, 'r', 'HOME', 'd', [['a', 'c', 'v', 'p', 1, 50]]])],
    ['a price of nothing', encodeTokenPayload(payload).replace(',121,', ',0,')],
    ['a fraction of a won', encodeTokenPayload(payload).replace(',121,', ',1.5,')],
  ])('refuses %s', (_what, text) => {
    expect(decodeTokenPayload(text)).toBeNull();
  });
});

describe('token age', () => {
  const issuedAt = payload.issuedAt;
  const end = issuedAt + CLICK_TOKEN_LIFE_MS;
  const lastDelivery = issuedAt + CLICK_DELIVERY_WINDOW_MS;

  it.each([
    ['at the last millisecond of its life', issuedAt, end, false],
    ['one millisecond later, clicked in time: a late delivery', end, end + 1, false],
    ['clicked one millisecond too late', end + 1, end + 1, true],
    ['clicked in time, delivered at the last moment of 24 h', end, lastDelivery, false],
    ['clicked in time, delivered after 24 h', end, lastDelivery + 1, true],
    ['issued by a server whose clock is ahead', issuedAt, issuedAt - 50, false],
  ])('%s', (_what, clickedAt, now, expired) => {
    expect(isTokenExpired(issuedAt, clickedAt, now)).toBe(expired);
  });

  it('holds the time of the click between issue and now', () => {
    expect(clampClickedAt(issuedAt - 5, issuedAt, issuedAt + 10)).toBe(issuedAt);
    expect(clampClickedAt(issuedAt + 50, issuedAt, issuedAt + 10)).toBe(issuedAt + 10);
    expect(clampClickedAt(issuedAt + 7, issuedAt, issuedAt + 10)).toBe(issuedAt + 7);
  });

  it('counts a prompt click when it arrives, a late one when it happened', () => {
    expect(countedAt(issuedAt, issuedAt + 5_000)).toBe(issuedAt + 5_000);
    expect(countedAt(issuedAt, issuedAt + 5_001)).toBe(issuedAt);
    for (let gapMs = 0; gapMs < 30_000; gapMs += 500) {
      const now = issuedAt + 40_000;
      // Delivered together: two clicks never come closer than they were, unless they were a double click.
      const seen = Math.abs(countedAt(issuedAt + 10_000 + gapMs, now) - countedAt(issuedAt + 10_000, now));
      expect(seen).toBeGreaterThanOrEqual(gapMs);
    }
  });
});
