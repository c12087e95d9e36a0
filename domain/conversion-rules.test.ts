import { describe, expect, it } from 'vitest';
import { CONVERSION_RULES } from './conversion-match.js';
import {
  AD_HOC_RULES_VERSION,
  askedConversionRules,
  CONVERSION_RULE_CATALOGUE,
  conversionRulesInWords,
} from './conversion-rules.js';

const rulesOf = (asked: Parameters<typeof askedConversionRules>[0]) => {
  const rules = askedConversionRules(asked);
  if (!rules.ok) throw new Error(rules.error.message);
  return rules.value;
};
const codeOf = (asked: Parameters<typeof askedConversionRules>[0]) => {
  const rules = askedConversionRules(asked);
  return rules.ok ? undefined : rules.error.code;
};

describe('attribution rules', () => {
  it('are numbered without a gap, the deployed ones first, and no two say the same', () => {
    expect(CONVERSION_RULE_CATALOGUE.map((rules) => rules.version)).toEqual([1, 2, 3, 4, 5]);
    expect(CONVERSION_RULE_CATALOGUE[0]).toBe(CONVERSION_RULES);
    expect(new Set(CONVERSION_RULE_CATALOGUE.map((rules) => conversionRulesInWords(rules).en)).size).toBe(5);
  });

  it('are chosen by number', () => {
    expect(rulesOf({ version: '2' })).toMatchObject({ version: 2, indirectCounts: false });
    expect(codeOf({ version: '9' })).toBe('unknown_rules');
  });

  it('may be made up, and are those of the catalogue when they say the same', () => {
    expect(rulesOf({ clickWindowHours: '36', directOnly: true })).toEqual({
      version: AD_HOC_RULES_VERSION,
      clickWindowMs: 36 * 3_600_000,
      directFirst: true,
      indirectCounts: false,
    });
    expect(rulesOf({ clickWindowHours: '12' }).version).toBe(3);
    expect(rulesOf({ directOnly: true }).version).toBe(2);
    expect(rulesOf({ directOnly: true, latestClick: true }).version).toBe(2);
    expect(rulesOf({ latestClick: true }).version).toBe(4);
  });

  it.each([
    {},
    { version: '1', directOnly: true },
    { clickWindowHours: '0' },
    { clickWindowHours: '1.5' },
    { clickWindowHours: '721' },
    { clickWindowHours: 'a day' },
  ])('%j is refused with a next step', (asked) => {
    expect(codeOf(asked)).toBe('invalid_request');
  });

  it('are told in words that differ', () => {
    expect(conversionRulesInWords(CONVERSION_RULES)).toEqual({
      ko: '클릭 후 24시간, 직접 전환 우선',
      en: '24 h after the click, direct before indirect',
    });
    expect(conversionRulesInWords(rulesOf({ version: '2' })).ko).toBe('클릭 후 24시간, 직접 전환만');
  });
});
