import { z } from 'zod';
import { DOCUMENT_TYPES } from '../../domain/advertiser-application.js';
import {
  APPLICATION_FIELDS,
  DOCUMENT_KINDS,
  ONBOARDING_PHASES,
  REJECTION_CODES,
} from '../../domain/advertiser-onboarding.js';
import { instantSchema } from './console-identity.js';

/**
 * Shapes only, with generous bounds: what makes a good application is said by the rules of the domain, all problems
 * together and with field names (`invalid_application`).
 */
const id = z.string().min(1).max(64);

const applicationFieldsSchema = z.object({
  companyName: z.string().max(400),
  businessNumber: z.string().max(32).describe('Ten digits, hyphens allowed.'),
  representative: z.string().max(400),
  openingDate: z.string().max(16).describe('YYYYMMDD, as on the business registration.'),
  address: z.string().max(400),
  businessType: z.string().max(400).describe('업태'),
  businessItem: z.string().max(400).describe('종목'),
  contactEmail: z
    .email()
    .max(254)
    .describe('Notices go here; after the sign-up also the address to sign in.'),
  contactPhone: z.string().max(32).describe('Korean phone number for Alimtalk, hyphens allowed.'),
});

/** `POST /v1/advertiser-applications` */
export const newApplicationSchema = applicationFieldsSchema.extend({
  password: z.string().min(1).max(128),
  contractAccepted: z.literal(true).describe('The terms of the advertising contract are accepted.'),
});

/** `PATCH /v1/advertiser-applications/{id}`: fields that are left out stay. */
export const applicationChangeSchema = applicationFieldsSchema
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'at least one field');

export const APPLICATION_STATUSES = [
  'draft',
  'submitted',
  'in_review',
  'rejected',
  'approved',
  'closed',
] as const;

export const rejectionReasonSchema = z.object({
  code: z.enum(REJECTION_CODES),
  field: z.enum(APPLICATION_FIELDS),
  text: z.string().trim().max(500).default('').describe('In the reviewer’s words; required for `other`.'),
});

export const applicationSchema = applicationFieldsSchema.extend({
  id: id.describe('The same as the advertiser’s.'),
  status: z.enum(APPLICATION_STATUSES),
  version: z.number().int().describe('Submissions so far.'),
  documents: z.array(
    z.object({
      kind: z.enum(DOCUMENT_KINDS),
      contentType: z.enum(DOCUMENT_TYPES),
      sizeBytes: z.number().int(),
      sha256: z.string(),
      uploadedAt: instantSchema,
    }),
  ),
  submittedAt: instantSchema.nullable(),
  resubmitUntil: instantSchema
    .nullable()
    .describe('After a rejection: until when it may be submitted again.'),
  createdAt: instantSchema,
  updatedAt: instantSchema,
});

const differenceSchema = z.object({
  field: z.enum(APPLICATION_FIELDS),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

export const applicationVersionSchema = z.object({
  version: z.number().int(),
  submittedAt: instantSchema,
  changes: z.array(differenceSchema).describe('Against the version before; papers by their SHA-256.'),
  findings: z.array(z.enum(REJECTION_CODES)).describe('Of the automatic check.'),
  checkedAt: instantSchema.nullable(),
  review: z
    .object({
      verdict: z.enum(['approve', 'reject']),
      reasons: z.array(rejectionReasonSchema),
      automatic: z.boolean(),
      decidedAt: instantSchema,
    })
    .nullable(),
});

/** `GET /v1/advertiser-applications/{id}` */
export const applicationDetailSchema = applicationSchema.extend({
  history: z.array(applicationVersionSchema).describe('Every submission, the first one first.'),
  onboarding: z
    .object({
      phase: z.enum(ONBOARDING_PHASES),
      reviewReminders: z.number().int(),
      ignoredDecision: z.object({ by: z.string(), why: z.string() }).nullable(),
    })
    .nullable()
    .describe(
      'For admins. Null before the first submission, and while the workflow service does not answer.',
    ),
});

/** `GET /v1/advertiser-reviews` */
export const queuedApplicationSchema = z.object({
  application: applicationSchema,
  findings: z.array(z.enum(REJECTION_CODES)).describe('Of the automatic check.'),
  submittedAt: instantSchema,
  dueAt: instantSchema,
  overdue: z.boolean(),
  claimedBy: z.string().nullable().describe('The reviewer who has taken it; a claim ends by itself.'),
});

/** `POST /v1/advertiser-reviews/{advertiserId}/decisions`. The reviewer is whoever is signed in. */
export const applicationDecisionSchema = z.object({
  verdict: z.enum(['approve', 'reject']),
  version: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('The submission that was read. A newer one in review is then not decided on unread.'),
  reasons: z.array(rejectionReasonSchema).max(20).default([]).describe('At least one for a rejection.'),
});

export const applicationDecisionAnswerSchema = z.object({
  accepted: z.literal(true),
  phase: z.enum(ONBOARDING_PHASES),
});

export const applicationParamsSchema = z.object({ id });
export const documentParamsSchema = z.object({ id, kind: z.enum(DOCUMENT_KINDS) });
export const documentQuerySchema = z.object({
  version: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('As it stood with this submission.'),
});
export const advertiserReviewParamsSchema = z.object({ advertiserId: id });
