import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdQueryResult, adQueryResultSchema, NO_FILL_REASONS } from '../../contracts/http/ad-server.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { adsJson } from './ads-json.js';

const id = fc.oneof(
  fc.stringMatching(/^[a-z]{2,3}_[0-9a-z]{16}$/),
  fc.string({ unit: 'binary' }),
  fc.constant('"\\\n상품 \u2028'),
);
const token = fc.stringMatching(/^[A-Za-z0-9_.-]{0,80}$/);
const ad = fc.record({
  adId: id,
  slot: fc.integer({ min: 1, max: 200 }),
  productId: id,
  campaignId: id,
  advertiserId: id,
  label: fc.constant<'광고'>('광고'),
});
const result: fc.Arbitrary<AdQueryResult> = fc.record(
  {
    requestId: token,
    placement: fc.constantFrom(...PLACEMENTS),
    clickToken: token,
    ads: fc.array(ad, { maxLength: 5 }),
    nextPageToken: token,
    noFillReason: fc.constantFrom(...NO_FILL_REASONS),
  },
  { requiredKeys: ['requestId', 'placement', 'clickToken', 'ads'] },
);

describe('the JSON of an answer', () => {
  it('says what JSON.stringify says, in ASCII, whatever an id holds', () => {
    fc.assert(
      fc.property(result, (answer) => {
        const text = adsJson(answer);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(answer)));
        expect(text).toMatch(/^[\x20-\x7f]*$/);
      }),
    );
  });

  it('writes every field of the contract', () => {
    const whole: Required<AdQueryResult> = {
      requestId: 'r',
      placement: 'HOME',
      clickToken: 't',
      ads: [{ adId: 'a', slot: 1, productId: 'p', campaignId: 'c', advertiserId: 'v', label: '광고' }],
      nextPageToken: 'n',
      noFillReason: 'end_of_list',
    };
    const written = JSON.parse(adsJson(whole)) as typeof whole;
    expect(Object.keys(written).sort()).toEqual(Object.keys(adQueryResultSchema.shape).sort());
    const { ads } = adQueryResultSchema.shape;
    expect(Object.keys(written.ads[0] ?? {}).sort()).toEqual(Object.keys(ads.element.shape).sort());
  });
});
