import { describe, expect, test } from 'vitest';
import { type Audience, EVERYBODY, matchesTargeting, normaliseTargeting } from './targeting.js';

/** Monday, 2026-03-09, 10:30 in Korea. */
const monday = Date.parse('2026-03-09T10:30:00+09:00');
const somebody: Audience = { now: monday, deviceType: 'mobile', region: 'KR-11', segments: ['vip', 'new'] };

describe('an ad is shown to those whom its campaign names', () => {
  test.each([
    ['everybody', {}, {}, true],
    ['the day', { daysOfWeek: [1] }, {}, true],
    ['another day', { daysOfWeek: [2, 7] }, {}, false],
    ['the hour', { hours: [10] }, {}, true],
    ['the hour before', { hours: [9] }, {}, false],
    [
      'midnight in Korea belongs to the new day',
      { daysOfWeek: [2], hours: [0] },
      { now: Date.parse('2026-03-10T00:00:00+09:00') },
      true,
    ],
    ['Sunday is seven', { daysOfWeek: [7] }, { now: Date.parse('2026-03-15T12:00:00+09:00') }, true],
    ['the device', { deviceTypes: ['mobile'] }, {}, true],
    ['an unknown device fits no list', { deviceTypes: ['mobile'] }, { deviceType: null }, false],
    ['another region', { regions: ['KR-26'] }, {}, false],
    ['one of the segments is enough', { segments: ['vip', 'golf'] }, {}, true],
    ['no segment', { segments: ['vip'] }, { segments: [] }, false],
    ['every list must fit', { segments: ['vip'], regions: ['KR-26'] }, {}, false],
  ])('%s', (_name, targeting, audience, shown) => {
    expect(matchesTargeting({ ...EVERYBODY, ...targeting }, { ...somebody, ...audience })).toBe(shown);
  });
});

test('the same targeting always makes the same bytes', () => {
  expect(normaliseTargeting({ ...EVERYBODY, hours: [10, 9, 10], segments: ['b', 'a'] })).toEqual({
    ...EVERYBODY,
    hours: [9, 10],
    segments: ['a', 'b'],
  });
});
