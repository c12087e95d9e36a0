import { foldText, normaliseKeyword } from './placement.js';

/** One thing that the law or the shop does not let anybody advertise freely. */
export interface PolicyRule {
  readonly ruleId: string;
  /** What the reviewer must know. */
  readonly why: string;
  /** In normal form; compared with the text in normal form, that is without spaces and punctuation, because Korean compounds are written both ways. */
  readonly korean: readonly string[];
  /** Compared as whole words. */
  readonly english: readonly string[];
}

/** The list is data, so that a new rule is one entry; ids are stable because findings and reviews name them. */
export const POLICY_RULES: readonly PolicyRule[] = [
  {
    ruleId: 'medical-claim',
    why: 'Claims of cure and prescription medicine need approval of the authority (Medical Service Act, Pharmaceutical Affairs Act).',
    korean: ['완치', '치료제', '처방약', '전문의약품', '발기부전', '비아그라', '다이어트약', '낙태'],
    english: ['viagra', 'cialis', 'prescription', 'opioid', 'steroid', 'cure'],
  },
  {
    ruleId: 'tobacco',
    why: 'Tobacco and vaping liquids may not be advertised or sold to consumers online.',
    korean: ['담배', '전자담배', '니코틴', '궐련', '시가렛'],
    english: ['tobacco', 'cigarette', 'cigarettes', 'cigar', 'nicotine', 'vape', 'vaping'],
  },
  {
    ruleId: 'gambling',
    why: 'Gambling and private betting are criminal offences; so is advertising them.',
    korean: ['도박', '카지노', '바카라', '토토사이트', '사설토토', '불법토토', '슬롯머신', '배팅사이트'],
    english: ['gambling', 'casino', 'baccarat', 'betting', 'sportsbook'],
  },
  {
    ruleId: 'alcohol-online',
    why: 'Alcohol (other than traditional liquor) may not be sold by mail order.',
    korean: ['소주배달', '양주직구', '위스키직구', '맥주택배'],
    english: ['whisky', 'whiskey', 'vodka'],
  },
  {
    ruleId: 'adult',
    why: 'Adult products need age verification, which sponsored products do not have.',
    korean: ['성인용품', '야동', '음란', '조건만남', '성매매'],
    english: ['porn', 'xxx', 'escort'],
  },
  {
    ruleId: 'counterfeit',
    why: 'Counterfeits break trade mark law; the brand owner can hold the shop liable.',
    korean: ['짝퉁', '레플리카', '이미테이션', '미러급', '가품'],
    english: ['replica', 'counterfeit', 'knockoff'],
  },
  {
    ruleId: 'weapon-drug',
    why: 'Weapons and narcotics.',
    korean: ['마약', '대마초', '필로폰', '실탄', '총기'],
    english: ['cocaine', 'cannabis', 'marijuana', 'firearm', 'ammunition'],
  },
  {
    ruleId: 'unproven-superlative',
    why: 'A superlative needs proof (Act on Fair Labeling and Advertising).',
    korean: ['세계최고', '국내유일', '업계1위', '100%보장', '부작용없는'],
    english: ['guaranteed', 'risk-free'],
  },
];

export interface PolicyFinding {
  readonly ruleId: string;
  readonly field: string;
  readonly word: string;
}

/** Everything in the campaign's own words that a rule names, in the order of fields and rules. */
export function policyFindings(campaign: { name: string; keywords: readonly string[] }): PolicyFinding[] {
  const texts = [
    { field: 'name', text: campaign.name },
    ...campaign.keywords.map((text, index) => ({ field: `keywords[${index}]`, text })),
  ];
  return texts.flatMap(({ field, text }) => findingsIn(field, text));
}

function findingsIn(field: string, text: string): PolicyFinding[] {
  const joined = normaliseKeyword(text);
  const words = new Set(foldText(text).split(/[^\p{L}\p{N}-]+/u));
  return POLICY_RULES.flatMap(({ ruleId, korean, english }) => {
    const word =
      korean.find((candidate) => joined.includes(candidate)) ??
      english.find((candidate) => words.has(candidate));
    return word === undefined ? [] : [{ ruleId, field, word }];
  });
}

/** One line for the reviewer and for the workflow's state: `tobacco: 담배 (keywords[3])`. */
export const describeFinding = (finding: PolicyFinding) =>
  `${finding.ruleId}: ${finding.word} (${finding.field})`;
