import { z } from 'zod';
import { KEYWORD_REVIEW_STATUSES } from '../../domain/campaign-draft.js';
import { CAMPAIGN_PHASES } from '../../domain/campaign-lifecycle.js';
import { DEFAULT_PACING, PACINGS } from '../../domain/pacing.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { DEVICE_TYPES, REGIONS } from '../../domain/targeting.js';
import { instantSchema } from './console-identity.js';

/**
 * Shapes only, with generous bounds: which values make a good campaign is said by the rules of the domain, all
 * problems together and with field names (`invalid_campaign`).
 */
const id = z.string().min(1).max(64);
const date = z.string().max(10).describe('Korean calendar day, YYYY-MM-DD.');
const bids = z
  .array(
    z.object({
      placement: z.string().max(32).describe(PLACEMENTS.join(', ')),
      maxCpcKrw: z.number().describe('Highest price of one click in won, VAT included, in steps of 10.'),
    }),
  )
  .max(16);

export const budgetChangeSchema = z.object({
  dailyBudgetKrw: z.number().describe('Won per Korean day, VAT included.'),
  totalBudgetKrw: z.number().nullable().describe('Won over the whole campaign; null: no limit.'),
});
export const bidsChangeSchema = z.object({ bids });

const pacing = z
  .enum(PACINGS)
  .describe('asap: every query that can be won. even: the daily budget spread over the serving hours.');
/** `PUT /v1/campaigns/{id}/pacing` */
export const pacingChangeSchema = z.object({ pacing });

export const targetingSchema = z
  .object({
    daysOfWeek: z.array(z.number().int().min(1).max(7)).max(7).default([]).describe('1 is Monday, 7 Sunday.'),
    hours: z.array(z.number().int().min(0).max(23)).max(24).default([]).describe('Of the Korean day.'),
    deviceTypes: z.array(z.enum(DEVICE_TYPES)).max(DEVICE_TYPES.length).default([]),
    regions: z.array(z.enum(REGIONS)).max(REGIONS.length).default([]).describe('ISO 3166-2.'),
    segments: z
      .array(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits and _ . - only'))
      .max(50)
      .default([])
      .describe('Of the shop, as its queries name them.'),
  })
  .describe('To whom the ads are shown; an empty list means everybody.');

const draft = {
  name: z.string().max(400),
  startDate: date,
  endDate: date.describe('Last day of serving, included.'),
  dailyBudgetKrw: budgetChangeSchema.shape.dailyBudgetKrw,
  totalBudgetKrw: budgetChangeSchema.shape.totalBudgetKrw,
  pacing,
  targeting: targetingSchema,
  productIds: z.array(id).max(500),
  keywords: z.array(z.string().max(400)).max(1_000).describe('For SEARCH; exact match.'),
  bids,
};

/** `PUT /v1/campaigns/{id}` */
export const campaignDraftSchema = z.object({
  ...draft,
  totalBudgetKrw: draft.totalBudgetKrw.default(null),
  pacing: draft.pacing.default(DEFAULT_PACING),
  targeting: draft.targeting.prefault({}),
  keywords: draft.keywords.default([]),
});

/** `POST /v1/campaigns`: the first of the four steps is enough. */
export const newCampaignSchema = z.object({
  ...draft,
  startDate: draft.startDate.optional().describe('Default: today.'),
  endDate: draft.endDate
    .optional()
    .describe('Last day of serving, included. Default: 30 days after the start.'),
  dailyBudgetKrw: draft.dailyBudgetKrw.default(30_000),
  totalBudgetKrw: draft.totalBudgetKrw.default(null),
  pacing: draft.pacing.default(DEFAULT_PACING),
  targeting: draft.targeting.prefault({}),
  productIds: draft.productIds.default([]),
  keywords: draft.keywords.default([]),
  bids: draft.bids.default([]),
});

/** `PATCH /v1/campaigns/{id}`: one step of the form at a time; what is not named stays. */
export const campaignStepSchema = z.object({
  name: draft.name.optional(),
  startDate: draft.startDate.optional(),
  endDate: draft.endDate.optional(),
  dailyBudgetKrw: draft.dailyBudgetKrw.optional(),
  totalBudgetKrw: draft.totalBudgetKrw.optional(),
  pacing: draft.pacing.optional(),
  targeting: draft.targeting.optional(),
  productIds: draft.productIds.optional(),
  keywords: draft.keywords.optional(),
  bids: draft.bids.optional(),
});

export const CAMPAIGN_STATUSES = ['draft', 'enabled', 'paused', 'ended'] as const;
export const CAMPAIGN_REVIEW_STATUSES = ['none', 'pending', 'approved', 'rejected'] as const;

export const campaignSchema = z.object({
  id: z.string(),
  advertiserId: z.string(),
  name: z.string(),
  status: z.enum(CAMPAIGN_STATUSES),
  reviewStatus: z.enum(CAMPAIGN_REVIEW_STATUSES),
  startDate: z.string(),
  endDate: z.string(),
  dailyBudgetKrw: z.number().int(),
  totalBudgetKrw: z.number().int().nullable(),
  pacing: z.enum(PACINGS),
  targeting: z.object({
    daysOfWeek: z.array(z.number().int()).readonly(),
    hours: z.array(z.number().int()).readonly(),
    deviceTypes: z.array(z.string()).readonly(),
    regions: z.array(z.string()).readonly(),
    segments: z.array(z.string()).readonly(),
  }),
  servingVersion: z.number().int().describe('Version of the newest serving snapshot; 0 before the approval.'),
  ads: z.array(z.object({ adId: z.string(), productId: z.string(), categoryId: z.string() })),
  keywords: z.array(
    z.object({
      keyword: z.string(),
      original: z.string(),
      reviewStatus: z.enum(KEYWORD_REVIEW_STATUSES),
      rejectionReason: z.string().nullable(),
    }),
  ),
  bids: z.array(z.object({ placement: z.enum(PLACEMENTS), maxCpcKrw: z.number().int() })),
  createdAt: instantSchema,
  updatedAt: instantSchema,
});

export const campaignLifecycleSchema = z.object({
  phase: z.enum(CAMPAIGN_PHASES),
  version: z.number().int(),
  publishedVersion: z.number().int(),
  activation: z
    .enum(['none', 'pending', 'active', 'active_below_shown_range', 'not_acknowledged'])
    .describe('How the ranking answered the newest version.'),
  policyFindings: z.array(z.string()),
  rejectionReasons: z.array(z.string()),
});

/** `GET /v1/campaigns/{id}` */
export const campaignDetailSchema = campaignSchema.extend({
  productGroups: z
    .array(
      z.object({
        categoryId: z.string(),
        categoryName: z.string(),
        products: z.array(z.object({ adId: z.string(), productId: z.string(), name: z.string() })),
      }),
    )
    .describe('The advertised products by category: CATEGORY and PRODUCT_DETAIL are ranked per category.'),
  missing: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .describe('What a draft still needs before it can be submitted.'),
  lastReview: z
    .object({
      verdict: z.enum(['approve', 'reject']),
      reasons: z.array(z.string()),
      decidedAt: instantSchema,
    })
    .nullable(),
  lifecycle: campaignLifecycleSchema
    .nullable()
    .describe('Null before the first submission, and while the workflow service does not answer.'),
});

/** Whatever is asked of a running lifecycle: pause, resume, end, bids, budget, a decision. */
export const commandAnswerSchema = z.object({
  accepted: z.literal(true),
  phase: z.enum(CAMPAIGN_PHASES),
  version: z.number().int().describe('Serving version that this command made; published within moments.'),
});

/** `GET /v1/campaign-reviews` */
export const queuedReviewSchema = z.object({
  campaign: campaignSchema,
  advertiserName: z.string(),
  submittedAt: instantSchema,
  dueAt: instantSchema,
  overdue: z.boolean(),
  policyFindings: z.array(z.string()).describe('What the automatic check found, as rule: word (field).'),
});

/** `POST /v1/campaign-reviews/{campaignId}/decisions`. The reviewer is whoever is signed in. */
export const reviewDecisionSchema = z.object({
  verdict: z.enum(['approve', 'reject']),
  reasons: z
    .array(z.string().trim().min(1).max(500))
    .max(20)
    .default([])
    .describe('At least one for a rejection; the seller reads them.'),
  rejectedKeywords: z
    .array(
      z.object({ keyword: z.string().trim().min(1).max(400), reason: z.string().trim().min(1).max(500) }),
    )
    .max(200)
    .default([])
    .describe('Keywords that may not be served; an approval leaves them out.'),
});

/** `POST /v1/budget-reallocations` */
export const budgetReallocationSchema = z.object({
  fromCampaignId: id,
  toCampaignId: id,
  dailyBudgetKrw: z.number().int().positive().max(1_000_000_000).describe('Won per day that move.'),
});
export const budgetReallocationResultSchema = z.object({
  from: z.object({ campaignId: z.string(), dailyBudgetKrw: z.number().int() }),
  to: z.object({ campaignId: z.string(), dailyBudgetKrw: z.number().int() }),
});

export const campaignParamsSchema = z.object({ id });
export const reviewParamsSchema = z.object({ campaignId: id });
export const commandHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      'The same key for each repetition of one act: 8 to 128 letters, digits or _ . : -. Optional; without it a repetition is a new act.',
    ),
});
