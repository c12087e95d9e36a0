import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hmac } from './hmac.js';

test('is HMAC-SHA256 for keys and texts of every length and script, one after the other', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 3_000 }), { minLength: 1, maxLength: 5 }),
      (key, texts) => {
        const hmac = new Hmac(key);
        for (const text of texts) {
          const reference = createHmac('sha256', key).update(text).digest();
          expect(hmac.digest(text, 'hex')).toBe(reference.toString('hex'));
          expect(hmac.digest(text, 'base64url')).toBe(reference.toString('base64url'));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test.each([2_729, 2_730, 2_731, 8_191, 8_192, 100_000])('and for %i letters of three bytes', (length) => {
  const key = randomBytes(32);
  const text = '광'.repeat(length);
  expect(new Hmac(key).digest(text, 'hex')).toBe(createHmac('sha256', key).update(text).digest('hex'));
});
