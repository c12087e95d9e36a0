import { describe, expect, test } from 'vitest';
import { deliveryRetryMs, isQuietHour, renderNotification, URGENT_TEMPLATES } from './notification-text.js';

test('a template is filled in both languages, and an unknown one is nothing', () => {
  const rendered = renderNotification('advertiser_approved', { companyName: '한빛상점' });
  expect(rendered?.ko.body).toContain('한빛상점의 광고주 계정');
  expect(rendered?.en.body).toContain('account of 한빛상점 is active');
  expect(renderNotification('toString', {})).toBeNull();
});

describe('quiet hours in Korea', () => {
  test.each([
    ['20:59:59.999', false],
    ['21:00:00.000', true],
    ['23:30:00.000', true],
    ['07:59:59.999', true],
    ['08:00:00.000', false],
  ])('%s', (time, quiet) => {
    expect(isQuietHour(Date.parse(`2026-11-24T${time}+09:00`))).toBe(quiet);
  });
});

test('what is urgent may be told at night', () => {
  expect(URGENT_TEMPLATES).toContain('advertiser_review_overdue');
  expect(URGENT_TEMPLATES).not.toContain('advertiser_approved');
});

test('the pause grows fourfold', () => {
  expect([1, 2, 3].map(deliveryRetryMs)).toEqual([5_000, 20_000, 80_000]);
});
