import { expect, test } from 'vitest';
import { describeFinding, POLICY_RULES, policyFindings } from './campaign-policy.js';
import { normaliseKeyword } from './placement.js';

const rulesFor = (text: string) => policyFindings({ name: 'x', keywords: [text] }).map((f) => f.ruleId);

test('rule ids are unique and every rule has words and a reason', () => {
  expect(new Set(POLICY_RULES.map((rule) => rule.ruleId)).size).toBe(POLICY_RULES.length);
  for (const rule of POLICY_RULES) {
    expect(rule.korean.length + rule.english.length).toBeGreaterThan(0);
    expect(rule.why).not.toBe('');
  }
});

test('Korean words are found inside compounds and across spaces', () => {
  expect(rulesFor('무료 전자 담배')).toEqual(['tobacco']);
  expect(rulesFor('온라인카지노추천')).toEqual(['gambling']);
  expect(rulesFor('담.배')).toEqual(['tobacco']);
  expect(rulesFor('담\u200b배')).toEqual(['tobacco']);
  const korean = POLICY_RULES.flatMap((rule) => rule.korean);
  expect(korean.map(normaliseKeyword)).toEqual(korean);
});

test('English words are found whole, in any case, and not inside others', () => {
  expect(rulesFor('Best CASINO')).toEqual(['gambling']);
  expect(rulesFor('accurate secure pedicure')).toEqual([]);
});

test('every finding names rule, field and word; harmless text has none', () => {
  const findings = policyFindings({ name: '짝퉁 가방', keywords: ['가방', '비아그라'] });
  expect(findings.map(describeFinding)).toEqual([
    'counterfeit: 짝퉁 (name)',
    'medical-claim: 비아그라 (keywords[1])',
  ]);
  expect(policyFindings({ name: '운동화', keywords: ['러닝화', 'running shoes'] })).toEqual([]);
});
