import { expect, test } from 'vitest';
import { buildServingSnapshot, type CampaignContent, rankingTargets } from './campaign-snapshot.js';
import { EVERYBODY } from './targeting.js';

const campaign: CampaignContent = {
  campaignId: 'cmp_1',
  advertiserId: 'adv_1',
  startDate: '2026-03-10',
  endDate: '2026-03-10',
  ads: [
    { adId: 'ad_2', productId: 'p2', categoryId: 'shoes' },
    { adId: 'ad_1', productId: 'p1', categoryId: 'bags' },
  ],
  keywords: ['운동화', '가방'],
  targeting: EVERYBODY,
  bids: [
    { placement: 'SEARCH', maxCpcKrw: 500 },
    { placement: 'HOME', maxCpcKrw: 100 },
    { placement: 'CATEGORY', maxCpcKrw: 200 },
  ],
};

test('serves its dates in full Korean days: 24 hours for a campaign of one day', () => {
  const snapshot = buildServingSnapshot(campaign, 1, 'enabled');
  expect(new Date(snapshot.startAt).toISOString()).toBe('2026-03-09T15:00:00.000Z');
  expect(snapshot.endAt - snapshot.startAt).toBe(24 * 3_600_000);
});

test('the same campaign in another order gives the same bytes', () => {
  const snapshot = buildServingSnapshot(campaign, 3, 'paused');
  const shuffled = {
    ...campaign,
    ads: campaign.ads.toReversed(),
    keywords: campaign.keywords.toReversed(),
    bids: campaign.bids.toReversed(),
  };
  expect(JSON.stringify(buildServingSnapshot(shuffled, 3, 'paused'))).toBe(JSON.stringify(snapshot));
});

test('refuses a version that is not positive and dates in the wrong order', () => {
  expect(() => buildServingSnapshot(campaign, 0, 'enabled')).toThrow('version');
  expect(() => buildServingSnapshot({ ...campaign, endDate: '2026-03-08' }, 1, 'enabled')).toThrow('before');
});

test('can stand in one home ranking, in each of its categories and keywords, and only where it bids', () => {
  const targets = rankingTargets(buildServingSnapshot(campaign, 1, 'enabled')).map(
    ({ placement, target }) => `${placement}:${target}`,
  );
  expect(targets).toEqual(['HOME:*', 'CATEGORY:bags', 'CATEGORY:shoes', 'SEARCH:가방', 'SEARCH:운동화']);
});

test('says to whom it is shown only when that is not everybody', () => {
  expect(buildServingSnapshot(campaign, 1, 'enabled')).not.toHaveProperty('targeting');
  const narrow = { ...campaign, targeting: { ...EVERYBODY, hours: [9, 8] } };
  const { targeting } = buildServingSnapshot(narrow, 1, 'enabled');
  expect(JSON.parse(targeting ?? '')).toEqual({ ...EVERYBODY, hours: [8, 9] });
});
