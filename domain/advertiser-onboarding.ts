import { isStorableText } from './storable-text.js';

/** Where an application is on its way. */
export const ONBOARDING_PHASES = [
  'checking',
  'in_review',
  'rejected',
  'awaiting_top_up',
  'completed',
  'closed',
] as const;
export type OnboardingPhase = (typeof ONBOARDING_PHASES)[number];

/** A rejected application may be corrected and submitted again for this long. */
export const RESUBMISSION_DAYS = 30;
/** After a missed deadline the reviewers are reminded this often. */
export const REVIEW_REMINDER_HOURS = 24;
/** How long an approved company is waited for; afterwards it may still top up, but nobody reminds it. */
export const TOP_UP_PATIENCE_DAYS = 180;
/** A reviewer who has taken an application keeps others away for this long. */
export const CLAIM_MINUTES = 30;

export const DOCUMENT_KINDS = ['business_registration', 'contract'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** What a reviewer may point at, by the names that the seller sees in the form. */
export const APPLICATION_FIELDS = [
  'companyName',
  'businessNumber',
  'representative',
  'openingDate',
  'address',
  'businessType',
  'businessItem',
  'contactEmail',
  'contactPhone',
  'documents.business_registration',
  'documents.contract',
] as const;
export type ApplicationField = (typeof APPLICATION_FIELDS)[number];

const REGISTERED: readonly ApplicationField[] = ['documents.business_registration'];
const CONTRACT: readonly ApplicationField[] = ['documents.contract'];

/** Why an application may be sent back: the fields that the code fits, and its words for the seller. */
export const REJECTION_REASONS = {
  business_number_invalid: { fields: ['businessNumber'], ko: '사업자등록번호가 올바르지 않습니다' },
  business_number_mismatch: {
    fields: ['businessNumber', ...REGISTERED],
    ko: '사업자등록번호가 서류와 다릅니다',
  },
  business_closed: { fields: ['businessNumber'], ko: '국세청에 폐업으로 등록된 사업자입니다' },
  business_suspended: { fields: ['businessNumber'], ko: '국세청에 휴업으로 등록된 사업자입니다' },
  business_unregistered: { fields: ['businessNumber'], ko: '국세청에 등록되지 않은 사업자등록번호입니다' },
  registry_mismatch: {
    fields: ['businessNumber', 'representative', 'openingDate', 'companyName'],
    ko: '입력한 정보가 국세청 등록 정보와 다릅니다',
  },
  company_name_mismatch: { fields: ['companyName'], ko: '상호가 서류와 다릅니다' },
  representative_mismatch: { fields: ['representative'], ko: '대표자명이 서류와 다릅니다' },
  opening_date_mismatch: { fields: ['openingDate'], ko: '개업일자가 서류와 다릅니다' },
  address_incomplete: { fields: ['address'], ko: '사업장 주소를 확인할 수 없습니다' },
  business_not_allowed: {
    fields: ['businessType', 'businessItem'],
    ko: '광고할 수 없는 업종입니다',
  },
  contact_unreachable: { fields: ['contactEmail', 'contactPhone'], ko: '연락처를 확인할 수 없습니다' },
  document_unreadable: { fields: [...REGISTERED, ...CONTRACT], ko: '서류를 알아볼 수 없습니다' },
  document_outdated: { fields: REGISTERED, ko: '서류가 최신이 아닙니다' },
  document_wrong_kind: { fields: [...REGISTERED, ...CONTRACT], ko: '다른 서류가 올라와 있습니다' },
  contract_missing_page: { fields: CONTRACT, ko: '계약서에 빠진 쪽이 있습니다' },
  contract_not_signed: { fields: CONTRACT, ko: '계약서에 서명 또는 날인이 없습니다' },
  other: { fields: APPLICATION_FIELDS, ko: '기타' },
} as const satisfies Record<string, { fields: readonly ApplicationField[]; ko: string }>;

export type RejectionCode = keyof typeof REJECTION_REASONS;
export const REJECTION_CODES = Object.keys(REJECTION_REASONS).filter(isRejectionCode);

export function isRejectionCode(code: unknown): code is RejectionCode {
  return typeof code === 'string' && Object.hasOwn(REJECTION_REASONS, code);
}

export interface RejectionReason {
  readonly code: RejectionCode;
  readonly field: ApplicationField;
  /** In the reviewer's own words; may be empty unless the code is `other`. */
  readonly text: string;
}

const MAX_REASONS = 20;
const MAX_REASON_TEXT = 500;

/** One line for a notice: `사업자등록번호가 서류와 다릅니다 (businessNumber): …`. */
export function describeRejection({ code, field, text }: RejectionReason): string {
  const words = `${REJECTION_REASONS[code].ko} (${field})`;
  return text.trim() === '' ? words : `${words}: ${text.trim()}`;
}

/** Why a review decision cannot be taken, as a sentence; null when it can. Input may come from a signal: anything. */
export function onboardingReviewRefusal(
  decision: { verdict: unknown; reviewerId: unknown; reasons: unknown },
  phase: OnboardingPhase,
): string | null {
  const { verdict, reviewerId, reasons } = decision;
  if (verdict !== 'approve' && verdict !== 'reject') return `unknown verdict: ${String(verdict)}`;
  if (typeof reviewerId !== 'string' || reviewerId === '') return 'a decision names its reviewer';
  if (!isStorableText(reviewerId)) return 'the reviewer is not named in valid text';
  if (!Array.isArray(reasons) || reasons.length > MAX_REASONS)
    return `reasons are a list of at most ${MAX_REASONS}`;
  const problem = reasons.map(reasonProblem).find((one) => one !== null);
  if (problem !== undefined) return problem;
  if (verdict === 'reject' && reasons.length === 0) return 'a rejection needs at least one reason';
  if (verdict === 'approve' && reasons.length > 0) return 'an approval has no reasons';
  if (phase !== 'in_review') return `the application is not in review (${phase})`;
  return null;
}

function reasonProblem(reason: unknown): string | null {
  if (typeof reason !== 'object' || reason === null) return 'a reason has a code, a field and a text';
  const { code, field, text }: { code?: unknown; field?: unknown; text?: unknown } = reason;
  if (!isRejectionCode(code)) return `unknown reason code${typeof code === 'string' ? `: ${code}` : ''}`;
  const fields: readonly string[] = REJECTION_REASONS[code].fields;
  if (typeof field !== 'string' || !fields.includes(field))
    return `the reason ${code} is about ${fields.join(' or ')}`;
  if (typeof text !== 'string' || text.length > MAX_REASON_TEXT || !isStorableText(text))
    return `the text of a reason is valid text of at most ${MAX_REASON_TEXT} characters`;
  if (code === 'other' && text.trim() === '') return 'the reason other needs a text';
  return null;
}

/** What the business registry said about a number and the particulars behind it. */
export interface RegistryVerdict {
  readonly state: 'active' | 'suspended' | 'closed' | 'unregistered';
  readonly valid: boolean;
}

/** Codes of what the automatic check found; some of them send an application back without a person. */
export function registryFindings(checksumFits: boolean, registry: RegistryVerdict | null): RejectionCode[] {
  if (!checksumFits) return ['business_number_invalid'];
  if (registry === null) return [];
  switch (registry.state) {
    case 'closed':
      return ['business_closed'];
    case 'unregistered':
      return ['business_unregistered'];
    case 'suspended':
      return registry.valid ? ['business_suspended'] : ['business_suspended', 'registry_mismatch'];
    case 'active':
      return registry.valid ? [] : ['registry_mismatch'];
  }
}

const DECIDED_BY_RULE: ReadonlySet<RejectionCode> = new Set([
  'business_number_invalid',
  'business_closed',
  'business_unregistered',
]);

/** Reasons of an automatic rejection; none when a person must look. */
export function automaticRejection(findings: readonly RejectionCode[]): RejectionReason[] {
  return findings
    .filter((code) => DECIDED_BY_RULE.has(code))
    .map((code) => ({ code, field: 'businessNumber', text: '' }));
}

/** The seller may change its application before the first submission and after a rejection. */
export function isEditableApplication(status: string): boolean {
  return status === 'draft' || status === 'rejected';
}
