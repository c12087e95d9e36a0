import { describe, expect, it } from 'vitest';
import { candidate, FLOOR_KRW, reasonOf, run } from '../tests/support/auction.js';
import { NO_BID_REASONS } from './auction.js';

describe('who takes part', () => {
  it.each([
    ['not_started', candidate({ adId: 'x', startAt: 501 }), {}],
    ['not_targeted', candidate({ adId: 'x', targeting: '{}' }), { isTargeted: () => false }],
    ['ended', candidate({ adId: 'x', endAt: 500 }), {}],
    ['campaign_stopped', candidate({ adId: 'x' }), { isCampaignStopped: (id: string) => id === 'cmp-of-x' }],
    [
      'advertiser_stopped',
      candidate({ adId: 'x' }),
      { isAdvertiserStopped: (id: string) => id === 'adv-of-x' },
    ],
    ['below_floor', candidate({ adId: 'x', maxCpcKrw: FLOOR_KRW - 1 }), {}],
    ['viewed_product', candidate({ adId: 'x' }), { viewedProductId: 'product-of-x' }],
    ['already_shown', candidate({ adId: 'x' }), { isAlreadyShown: (id: string) => id === 'x' }],
    ['paced', candidate({ adId: 'x' }), { isPaced: (id: string) => id === 'cmp-of-x' }],
    [
      'cannot_afford',
      candidate({ adId: 'x' }),
      { leftKrw: (id: string) => (id === 'cmp-of-x' ? 59 : Number.POSITIVE_INFINITY) },
    ],
  ] as const)('leaves out %s, with its reason', (reason, dropped, overrides) => {
    const result = run([dropped, candidate({ adId: 'other', maxCpcKrw: 60 })], overrides);
    expect(result.winners.map((winner) => winner.candidate.adId)).toEqual(['other']);
    expect(reasonOf('x', result)).toBe(reason);
  });

  it('serves from the first millisecond to before the last', () => {
    const ad = candidate({ adId: 'x', startAt: 500, endAt: 501 });
    expect(run([ad], { now: 500 }).winners).toHaveLength(1);
    expect(run([ad], { now: 499 }).winners).toHaveLength(0);
    expect(run([ad], { now: 501 }).winners).toHaveLength(0);
  });

  it('keeps the best ad of each advertiser', () => {
    const result = run([
      candidate({ adId: 'a1', advertiserId: 'a', maxCpcKrw: 300 }),
      candidate({ adId: 'a2', advertiserId: 'a', maxCpcKrw: 290 }),
      candidate({ adId: 'b1', advertiserId: 'b', maxCpcKrw: 100 }),
    ]);
    expect(result.winners.map((winner) => winner.candidate.adId)).toEqual(['a1', 'b1']);
    expect(reasonOf('a2', result)).toBe('sibling_ranked_higher');
  });

  it('numbers slots on from earlier pages', () => {
    const ads = [candidate({ adId: 'a', maxCpcKrw: 300 }), candidate({ adId: 'b', maxCpcKrw: 200 })];
    expect(run(ads, { firstSlot: 6 }).winners.map((winner) => winner.slot)).toEqual([6, 7]);
  });

  it('numbers every reason once', () => {
    const numbers = Object.values(NO_BID_REASONS);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('what a winner pays', () => {
  const priceAgainst = (ownId: string, ctrPpm: number, rivalId: string, rivalScore: number) =>
    run([
      candidate({ adId: ownId, maxCpcKrw: 1_000, predictedCtrPpm: ctrPpm }),
      candidate({ adId: rivalId, maxCpcKrw: 100, predictedCtrPpm: 1, rankScore: rivalScore }),
    ]).winners[0]?.priceKrw;

  it('pays the first whole won above an uneven quotient', () => {
    expect(priceAgainst('a', 30_000, 'b', 3_000_001)).toBe(101);
    expect(priceAgainst('b', 30_000, 'a', 3_000_001)).toBe(101);
  });
  it('pays one won more at an equal score only when its id comes second', () => {
    expect(priceAgainst('a', 30_000, 'b', 3_000_000)).toBe(100);
    expect(priceAgainst('b', 30_000, 'a', 3_000_000)).toBe(101);
  });
  it('pays the floor without a rival', () => {
    const only = run([candidate({ adId: 'x', maxCpcKrw: 900 })]).winners[0];
    expect(only).toMatchObject({ priceKrw: FLOOR_KRW, runnerUpScore: null, slot: 1 });
  });
  it('pays the floor when nobody is expected to click on it', () => {
    const ads = [
      candidate({ adId: 'a', predictedCtrPpm: 0, rankScore: 9 }),
      candidate({ adId: 'b', predictedCtrPpm: 1, rankScore: 8 }),
    ];
    expect(run(ads).winners[0]).toMatchObject({ candidate: { adId: 'a' }, priceKrw: FLOOR_KRW });
  });
  it('is priced by the first ad that is not shown', () => {
    const result = run([candidate({ adId: 'a', maxCpcKrw: 300 }), candidate({ adId: 'b', maxCpcKrw: 120 })], {
      maxAds: 1,
    });
    expect(result.winners[0]).toMatchObject({ priceKrw: 120, runnerUpScore: 2_400_000 });
    expect(reasonOf('b', result)).toBe('outranked');
  });
});

describe('a winner that cannot pay its price', () => {
  const left = (amounts: Readonly<Record<string, number>>) => ({
    leftKrw: (campaignId: string) => amounts[campaignId] ?? Number.POSITIVE_INFINITY,
  });

  it('leaves, and those above are priced without it', () => {
    const ads = [
      candidate({ adId: 'a', maxCpcKrw: 500 }),
      candidate({ adId: 'b', maxCpcKrw: 400 }),
      candidate({ adId: 'c', maxCpcKrw: 300 }),
    ];
    const result = run(ads, left({ 'cmp-of-b': 299 }));
    expect(result.winners.map(({ candidate: ad, priceKrw }) => [ad.adId, priceKrw])).toEqual([
      ['a', 300],
      ['c', FLOOR_KRW],
    ]);
    expect(reasonOf('b', result)).toBe('cannot_afford');
    expect(run(ads, left({ 'cmp-of-b': 300 })).winners).toHaveLength(3);
  });

  it('makes room for a sibling whose campaign can', () => {
    const result = run(
      [
        candidate({ adId: 'a1', advertiserId: 'a', maxCpcKrw: 500 }),
        candidate({ adId: 'a2', advertiserId: 'a', maxCpcKrw: 450 }),
        candidate({ adId: 'b', maxCpcKrw: 400 }),
      ],
      left({ 'cmp-of-a1': 399 }),
    );
    expect(result.winners.map(({ candidate: ad }) => ad.adId)).toEqual(['a2', 'b']);
    expect(reasonOf('a1', result)).toBe('cannot_afford');
  });

  it('stays when the leaving of the one below makes its price payable', () => {
    const ads = [
      candidate({ adId: 'a', maxCpcKrw: 500 }),
      candidate({ adId: 'b', maxCpcKrw: 400 }),
      candidate({ adId: 'c', maxCpcKrw: 300 }),
    ];
    const result = run(ads, left({ 'cmp-of-a': 399, 'cmp-of-b': 299 }));
    expect(result.winners.map(({ candidate: ad, priceKrw }) => [ad.adId, priceKrw])).toEqual([
      ['a', 300],
      ['c', FLOOR_KRW],
    ]);
  });

  it('does not raise the price of others from below the last slot either', () => {
    const ads = [
      candidate({ adId: 'a', maxCpcKrw: 1_000 }),
      candidate({ adId: 'b', maxCpcKrw: 900 }),
      candidate({ adId: 'c', maxCpcKrw: 500 }),
    ];
    const result = run(ads, { ...left({ 'cmp-of-b': 499 }), maxAds: 1 });
    expect(result.winners).toMatchObject([{ priceKrw: 500, runnerUpScore: 10_000_000 }]);
    expect([reasonOf('b', result), reasonOf('c', result)]).toEqual(['cannot_afford', 'outranked']);
    const payable = run(ads, { ...left({ 'cmp-of-b': 500 }), maxAds: 1 });
    expect(payable.winners[0]?.priceKrw).toBe(900);
    expect([reasonOf('b', payable), reasonOf('c', payable)]).toEqual(['outranked', 'outranked']);
  });

  it('looks no further than to the first outranked ad that can surely pay', () => {
    const ads = ['a', 'b', 'c', 'd', 'e'].map((adId) => candidate({ adId }));
    expect(run(ads, { maxAds: 2 })).toMatchObject({ examined: 3, dropped: [{ reason: 'outranked' }] });
    expect(run(ads, { maxAds: 2, ...left({ 'cmp-of-c': 100 }) }).examined).toBe(3);
    expect(run(ads, { maxAds: 2, ...left({ 'cmp-of-c': 99 }) }).examined).toBe(4);
  });

  it('may spend its last won, and is told so before it is told of a better sibling', () => {
    const ad = candidate({ adId: 'x' });
    expect(run([ad], left({ 'cmp-of-x': FLOOR_KRW })).winners).toMatchObject([{ priceKrw: FLOOR_KRW }]);
    const siblings = [ad, candidate({ adId: 'y', advertiserId: ad.advertiserId, maxCpcKrw: 90 })];
    expect(reasonOf('y', run(siblings, left({ 'cmp-of-y': FLOOR_KRW - 1 })))).toBe('cannot_afford');
  });
});
