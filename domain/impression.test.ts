import { expect, it } from 'vitest';
import { isTooLateToView, viewedEventId } from './impression.js';

const DAY_MS = 86_400_000;

it('a view counts up to 24 hours after its ads were served, and not a millisecond longer', () => {
  expect(isTooLateToView(1_000, 1_000 + DAY_MS)).toBe(false);
  expect(isTooLateToView(1_000, 1_001 + DAY_MS)).toBe(true);
});

it('the same ad of the same answer has one name', () => {
  expect(viewedEventId('r', 'ad_1')).toBe('viewed:r:ad_1');
});
