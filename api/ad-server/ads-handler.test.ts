import { describe, expect, it } from 'vitest';
import { parseAdQuery } from './ads-handler.js';
import { targetOf } from './serve-ads.js';

const fieldsOf = (raw: Record<string, unknown>) => {
  const parsed = parseAdQuery(raw);
  return parsed.ok ? [] : (parsed.error.errors ?? []).map((error) => error.field);
};

describe('an ad query', () => {
  it('asks for five ads unless it says otherwise', () => {
    expect(parseAdQuery({ placement: 'HOME', deviceId: 'd' })).toEqual({
      ok: true,
      value: { placement: 'HOME', deviceId: 'd', maxAds: 5 },
    });
    expect(parseAdQuery({ placement: 'HOME', deviceId: 'd', maxAds: '20' })).toMatchObject({
      value: { maxAds: 20 },
    });
  });

  it('names all of its wrong fields at once', () => {
    expect(fieldsOf({ placement: 'MOON', maxAds: '21', colour: 'red' }).sort()).toEqual([
      'query.colour',
      'query.deviceId',
      'query.maxAds',
      'query.placement',
    ]);
  });

  it.each([
    ['CATEGORY', 'query.category'],
    ['PRODUCT_DETAIL', 'query.category'],
    ['SEARCH', 'query.query'],
  ])('for %s needs %s', (placement, field) => {
    expect(fieldsOf({ placement, deviceId: 'd' })).toEqual([field]);
  });

  it('does not take a parameter twice', () => {
    expect(fieldsOf({ placement: ['HOME', 'SEARCH'], deviceId: 'd' })).toEqual(['query.placement']);
  });
});

describe('the ranking of a query', () => {
  const base = { deviceId: 'd', maxAds: 5, category: 'cups', query: ' Ｍug   CUP ' };
  it.each([
    ['HOME', '*'],
    ['CATEGORY', 'cups'],
    ['PRODUCT_DETAIL', 'cups'],
    ['SEARCH', 'mugcup'],
  ] as const)('for %s is that of %j', (placement, target) => {
    expect(targetOf({ ...base, placement })).toBe(target);
  });
});
