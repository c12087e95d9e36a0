import { CONVERSION_RULES, type ConversionRules } from './conversion-match.js';
import { err, ok, type Result } from './result.js';

const HOUR_MS = 3_600_000;
/** What the state of a replay can hold, and longer than any report collects. */
const MAX_CLICK_WINDOW_HOURS = 30 * 24;
/** Rules that a person made up for one replay: they have no number, and are stored with the replay. */
export const AD_HOC_RULES_VERSION = 0;

/** Rules that have a number. The first ones are deployed; the others are there to be compared by a replay. */
export const CONVERSION_RULE_CATALOGUE: readonly ConversionRules[] = [
  CONVERSION_RULES,
  { ...CONVERSION_RULES, version: 2, indirectCounts: false },
  { ...CONVERSION_RULES, version: 3, clickWindowMs: 12 * HOUR_MS },
  { ...CONVERSION_RULES, version: 4, directFirst: false },
  { ...CONVERSION_RULES, version: 5, clickWindowMs: 7 * 24 * HOUR_MS },
];

/** What a person may ask for: a number of the catalogue, or other rules than the deployed ones, part by part. */
export interface AskedRules {
  readonly version?: string | undefined;
  readonly clickWindowHours?: string | undefined;
  readonly directOnly?: boolean | undefined;
  readonly latestClick?: boolean | undefined;
}

/** Rules that say the same as numbered ones get their number. Failures: `invalid_request`, `unknown_rules`. */
export function askedConversionRules(asked: AskedRules): Result<ConversionRules> {
  const isAdHoc =
    asked.clickWindowHours !== undefined || asked.directOnly === true || asked.latestClick === true;
  if ((asked.version !== undefined) === isAdHoc) return err(WHICH_RULES);
  if (asked.version !== undefined) return numbered(asked.version);
  const hours = Number(asked.clickWindowHours ?? CONVERSION_RULES.clickWindowMs / HOUR_MS);
  if (!Number.isInteger(hours) || hours < 1 || hours > MAX_CLICK_WINDOW_HOURS) return err(WRONG_WINDOW);
  const rules: ConversionRules = {
    version: AD_HOC_RULES_VERSION,
    clickWindowMs: hours * HOUR_MS,
    directFirst: asked.latestClick !== true,
    indirectCounts: asked.directOnly !== true,
  };
  return ok(CONVERSION_RULE_CATALOGUE.find((known) => saysTheSame(known, rules)) ?? rules);
}

function numbered(version: string): Result<ConversionRules> {
  const rules = CONVERSION_RULE_CATALOGUE.find((known) => String(known.version) === version);
  if (rules !== undefined) return ok(rules);
  return err({
    code: 'unknown_rules',
    message: `There are no attribution rules ${version}.`,
    nextStep: `There are: ${CONVERSION_RULE_CATALOGUE.map((known) => known.version).join(', ')}.`,
  });
}

/** Where only direct conversions count, it does not matter which of both goes first. */
function saysTheSame(a: ConversionRules, b: ConversionRules): boolean {
  return (
    a.clickWindowMs === b.clickWindowMs &&
    a.indirectCounts === b.indirectCounts &&
    (a.directFirst === b.directFirst || !a.indirectCounts)
  );
}

const WHICH_RULES = {
  code: 'invalid_request',
  message: 'Which rules: a number, or parts that differ from the deployed rules, not both.',
  nextStep: 'Say --rules VERSION, or one or more of --click-window-hours N, --no-indirect, --latest-click.',
} as const;

const WRONG_WINDOW = {
  code: 'invalid_request',
  message: `A click window is a whole number of hours from 1 to ${MAX_CLICK_WINDOW_HOURS}.`,
  nextStep: 'Choose another number of hours.',
} as const;

/** The rules in words, for reports (Korean) and for operators. */
export function conversionRulesInWords(rules: ConversionRules): { readonly ko: string; readonly en: string } {
  const hours = rules.clickWindowMs / HOUR_MS;
  const order = rules.directFirst
    ? { ko: '직접 전환 우선', en: 'direct before indirect' }
    : { ko: '직접·간접 구분 없이 마지막 클릭', en: 'the latest click, direct or not' };
  const which = rules.indirectCounts ? order : { ko: '직접 전환만', en: 'direct only' };
  return { ko: `클릭 후 ${hours}시간, ${which.ko}`, en: `${hours} h after the click, ${which.en}` };
}
