import { expect, test } from 'vitest';
import { businessNumberCheckDigit, isBusinessNumber } from './business-number.js';

test('accepts numbers whose checksum fits, with and without hyphens', () => {
  for (const valid of ['124-81-00998', '2208162517', '120-81-47521', '123-45-67891']) {
    expect(isBusinessNumber(valid), valid).toBe(true);
  }
});

test('refuses a wrong check digit, letters and wrong lengths', () => {
  for (const invalid of ['123-45-67890', '12345', '12345678901', '12a-45-67891', '']) {
    expect(isBusinessNumber(invalid), invalid).toBe(false);
  }
});

test('a checksum of ten becomes zero', () => {
  const nine = Array.from({ length: 1000 }, (_, index) => String(110_800_000 + index)).find(
    (candidate) => businessNumberCheckDigit(candidate) === 0,
  );
  expect(nine).toBeDefined();
  expect(isBusinessNumber(`${nine}0`)).toBe(true);
});
