import { expect, it } from 'vitest';
import { rise } from './statement-figures.js';

it('a figure rises by what came since; one that starts again counts from zero', () => {
  expect(rise(5)).toBe(5);
  expect(rise(5, 5)).toBe(0);
  expect(rise(7, 5)).toBe(2);
  expect(rise(0, 5)).toBe(0);
  expect(rise(2, 5)).toBe(2);
});
