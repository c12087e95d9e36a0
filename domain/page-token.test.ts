import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adHash,
  decodePagePayload,
  encodePagePayload,
  listHash,
  MOST_ADS_IN_PAGE_TOKEN,
  withShown,
} from './page-token.js';
import { RANKING_DEPTH } from './placement.js';

const six = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const payloads = fc.record({
  issuedAt: six,
  visitId: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
  list: six,
  shown: fc.array(six, { maxLength: MOST_ADS_IN_PAGE_TOKEN }),
});

describe('what a page token says', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(decodePagePayload(encodePagePayload(payload))).toEqual(payload);
      }),
    );
  });

  it('is nothing when a byte is missing', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const bytes = encodePagePayload(payload);
        expect(decodePagePayload(bytes.subarray(0, -1))).toBeNull();
      }),
    );
    expect(decodePagePayload(new Uint8Array())).toBeNull();
    expect(decodePagePayload(new Uint8Array(13))).toBeNull();
  });

  it('holds a whole ranking, and the newest ads of a longer visit', () => {
    const ids = Array.from({ length: RANKING_DEPTH + 30 }, (_, index) => `ad_${index}`);
    const shown = withShown(withShown([], ids.slice(0, 190)), ids.slice(190));
    expect(shown).toEqual(ids.slice(30).map(adHash));
  });
});

describe('hashes of ads and lists', () => {
  it('do not meet among a hundred thousand ids, and fill 48 bits', () => {
    const hashes = Array.from({ length: 100_000 }, (_, index) => adHash(`ad_${index.toString(32)}`));
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(Math.max(...hashes.slice(0, 1_000))).toBeGreaterThan(0.99 * 2 ** 48);
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 48)).toBe(true);
  });

  it('tell placement, target and device apart', () => {
    const lists = [
      listHash('CATEGORY', 'cups', 'd'),
      listHash('PRODUCT_DETAIL', 'cups', 'd'),
      listHash('CATEGORY', 'mugs', 'd'),
      listHash('CATEGORY', 'cups', 'e'),
    ];
    expect(new Set(lists).size).toBe(lists.length);
  });
});
