import type { ApplicationField, DocumentKind } from './advertiser-onboarding.js';
import { isBusinessNumber } from './business-number.js';
import { isStorableText } from './storable-text.js';

/** The particulars of a company, as it tells them. */
export interface ApplicationFields {
  readonly companyName: string;
  /** Ten digits. */
  readonly businessNumber: string;
  readonly representative: string;
  /** YYYYMMDD, as the business registry wants it. */
  readonly openingDate: string;
  readonly address: string;
  readonly businessType: string;
  readonly businessItem: string;
  readonly contactEmail: string;
  /** Digits only. */
  readonly contactPhone: string;
}
export const APPLICATION_FIELD_NAMES = [
  'companyName',
  'businessNumber',
  'representative',
  'openingDate',
  'address',
  'businessType',
  'businessItem',
  'contactEmail',
  'contactPhone',
] as const satisfies readonly (keyof ApplicationFields)[];

export interface ApplicationProblem {
  readonly field: string;
  readonly message: string;
}

/** One spelling: hyphens and outer spaces are how people write, not what they mean. */
export function normaliseApplication(fields: ApplicationFields): ApplicationFields {
  return {
    companyName: fields.companyName.trim(),
    businessNumber: fields.businessNumber.replaceAll('-', '').trim(),
    representative: fields.representative.trim(),
    openingDate: fields.openingDate.trim(),
    address: fields.address.trim(),
    businessType: fields.businessType.trim(),
    businessItem: fields.businessItem.trim(),
    contactEmail: fields.contactEmail.normalize('NFKC').trim().toLowerCase(),
    contactPhone: fields.contactPhone.replace(/[\s-]/g, ''),
  };
}

const LENGTHS = {
  companyName: [1, 100],
  representative: [1, 60],
  address: [5, 200],
  businessType: [1, 100],
  businessItem: [1, 100],
} as const;

/** Every problem of normalised fields together. `today` is the Korean day as YYYYMMDD. */
export function applicationProblems(fields: ApplicationFields, today: string): ApplicationProblem[] {
  const problems: ApplicationProblem[] = [];
  const check = (field: keyof ApplicationFields, fits: boolean, message: string) => {
    if (!isStorableText(fields[field])) problems.push({ field, message: 'must be valid text' });
    else if (!fits) problems.push({ field, message });
  };
  for (const field of ['companyName', 'representative', 'address', 'businessType', 'businessItem'] as const) {
    const [shortest, longest] = LENGTHS[field];
    const { length } = fields[field];
    check(field, length >= shortest && length <= longest, `must have ${shortest} to ${longest} characters`);
  }
  check('businessNumber', isBusinessNumber(fields.businessNumber), 'is no business number: check the digits');
  check(
    'openingDate',
    isCalendarDay(fields.openingDate) && fields.openingDate <= today,
    'must be a past day, YYYYMMDD',
  );
  check('contactEmail', /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(fields.contactEmail), 'must be an e-mail address');
  check('contactPhone', /^0\d{8,10}$/.test(fields.contactPhone), 'must be a Korean phone number');
  return problems;
}

function isCalendarDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text) ?? [];
  if (year === undefined || Number(year) < 1900) return false;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`);
}

export const DOCUMENT_TYPES = ['application/pdf', 'image/png', 'image/jpeg'] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

const SIGNATURES: Readonly<Record<DocumentType, readonly number[]>> = {
  'application/pdf': [0x25, 0x50, 0x44, 0x46, 0x2d],
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  'image/jpeg': [0xff, 0xd8, 0xff],
};

/** What the first bytes say; the sender's word is not enough. */
export function documentTypeOf(bytes: Uint8Array): DocumentType | null {
  const fits = (type: DocumentType) => SIGNATURES[type].every((byte, index) => bytes[index] === byte);
  return DOCUMENT_TYPES.find(fits) ?? null;
}

/** What was submitted once. */
export interface SubmittedVersion {
  readonly version: number;
  readonly fields: ApplicationFields;
  /** SHA-256 of each paper. */
  readonly documents: Readonly<Partial<Record<DocumentKind, string>>>;
}

export interface ApplicationDifference {
  readonly field: ApplicationField;
  readonly before: string | null;
  readonly after: string | null;
}

/** What a resubmission changed, in the order of the form; papers by their hash. */
export function applicationDiff(
  before: Omit<SubmittedVersion, 'version'>,
  after: Omit<SubmittedVersion, 'version'>,
): ApplicationDifference[] {
  const fields = APPLICATION_FIELD_NAMES.map((field) => ({
    field,
    before: before.fields[field],
    after: after.fields[field],
  }));
  const papers = (['business_registration', 'contract'] as const).map((kind) => ({
    field: `documents.${kind}` as const,
    before: before.documents[kind] ?? null,
    after: after.documents[kind] ?? null,
  }));
  return [...fields, ...papers].filter((one) => one.before !== one.after);
}
