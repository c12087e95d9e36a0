import { expect, test } from 'vitest';
import { isStorableText } from './storable-text.js';

test.each(['', '운동화', 'shoe 👟', 'tab\tand\nline'])('%j can be stored', (text) => {
  expect(isStorableText(text)).toBe(true);
});

test.each(['a\u0000b', '\ud83d', '\udc5f\ud83d', 'half \ud83d pair'])('%j cannot', (text) => {
  expect(isStorableText(text)).toBe(false);
});
