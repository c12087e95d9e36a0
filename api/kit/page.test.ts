import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor } from './page.js';

const position = z.tuple([z.number(), z.string()]);

describe('a cursor', () => {
  test('leads back to the place that it was made from', () => {
    const place = [1_795_000_000_123, 'top_1'] as const;
    expect(decodeCursor(encodeCursor(place), position)).toEqual({ ok: true, value: place });
    expect(decodeCursor(undefined, position)).toEqual({ ok: true, value: null });
  });

  test.each([
    ['of another list', encodeCursor(['top_1'])],
    ['that is no JSON', 'AAAA'],
    ['with half a millisecond', encodeCursor([1.5, 'top_1'])],
    ['before all time', encodeCursor([-1, 'top_1'])],
    ['beyond every number', encodeCursor([1e300, 'top_1'])],
    ['with text that no database takes', encodeCursor([1, 'top\u0000'])],
    ['with half a character', Buffer.from('[1,"top\\ud800"]').toString('base64url')],
  ])('%s is refused with its reason, not handed to the database', (_, cursor) => {
    expect(decodeCursor(cursor, position)).toMatchObject({ ok: false, error: { code: 'invalid_cursor' } });
  });
});
