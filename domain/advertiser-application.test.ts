import { expect, test } from 'vitest';
import {
  type ApplicationFields,
  applicationDiff,
  applicationProblems,
  documentTypeOf,
  normaliseApplication,
} from './advertiser-application.js';
import { automaticRejection, onboardingReviewRefusal, registryFindings } from './advertiser-onboarding.js';

const FIELDS: ApplicationFields = {
  companyName: ' 한빛상점 ',
  businessNumber: '124-81-00998',
  representative: '김한빛',
  openingDate: '20200229',
  address: '서울특별시 중구 세종대로 110',
  businessType: '도소매업',
  businessItem: '전자상거래',
  contactEmail: 'Seller@Example.com',
  contactPhone: '010-1234-5678',
};
const problemsOf = (change: Partial<ApplicationFields>) =>
  applicationProblems(normaliseApplication({ ...FIELDS, ...change }), '20261124').map(({ field }) => field);

test('one spelling of what people write in many ways', () => {
  expect(normaliseApplication(FIELDS)).toMatchObject({
    companyName: '한빛상점',
    businessNumber: '1248100998',
    contactEmail: 'seller@example.com',
    contactPhone: '01012345678',
  });
  expect(problemsOf({})).toEqual([]);
});

test('all problems together, and days that are none', () => {
  expect(problemsOf({ companyName: ' ', contactPhone: '123' })).toEqual(['companyName', 'contactPhone']);
  for (const openingDate of ['20230229', '20261125', '18991231', '2026-01-01']) {
    expect(problemsOf({ openingDate })).toEqual(['openingDate']);
  }
  expect(problemsOf({ openingDate: '20261124' })).toEqual([]);
});

test('a paper is what its first bytes say', () => {
  expect(documentTypeOf(Buffer.from('%PDF-1.7'))).toBe('application/pdf');
  expect(documentTypeOf(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe('image/jpeg');
  expect(documentTypeOf(Buffer.from('%PDF'))).toBeNull();
  expect(documentTypeOf(Buffer.alloc(0))).toBeNull();
});

test('the difference of two submissions names fields and papers', () => {
  const before = { fields: FIELDS, documents: { contract: 'a' } };
  const after = { fields: { ...FIELDS, address: '부산' }, documents: { contract: 'b' } };
  expect(applicationDiff(before, before)).toEqual([]);
  expect(applicationDiff(before, after).map(({ field }) => field)).toEqual(['address', 'documents.contract']);
});

test('closed and unregistered companies go back by rule; a suspension or a mismatch is for a person', () => {
  const codes = (state: 'active' | 'suspended' | 'closed' | 'unregistered', valid: boolean) =>
    registryFindings(true, { state, valid });
  expect(automaticRejection(codes('closed', true)).map(({ code }) => code)).toEqual(['business_closed']);
  expect(automaticRejection(codes('unregistered', false))).toHaveLength(1);
  expect(codes('suspended', false)).toEqual(['business_suspended', 'registry_mismatch']);
  expect(automaticRejection(codes('suspended', false))).toEqual([]);
  expect(codes('active', true)).toEqual([]);
});

test.each([
  [{ verdict: 'maybe' }, 'unknown verdict: maybe'],
  [{ reviewerId: 7 }, 'a decision names its reviewer'],
  [{ reasons: 'no' }, 'reasons are a list of at most 20'],
  [{ reasons: [null] }, 'a reason has a code, a field and a text'],
  [{ reasons: [{ code: 'toString', field: 'address', text: '' }] }, 'unknown reason code: toString'],
  [{ reasons: [{ code: 'other', field: 'address', text: ' ' }] }, 'the reason other needs a text'],
  [{ reasons: [] }, 'a rejection needs at least one reason'],
])('whatever comes in a signal is judged: %j', (change, why) => {
  const reasons = [{ code: 'address_incomplete', field: 'address', text: '' }];
  const decision = { verdict: 'reject', reviewerId: 'usr_1', reasons };
  expect(onboardingReviewRefusal(decision, 'in_review')).toBeNull();
  expect(onboardingReviewRefusal({ ...decision, ...change }, 'in_review')).toBe(why);
});
