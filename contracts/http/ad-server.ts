import { z } from 'zod';
import { isClickId } from '../../domain/click-id.js';
import { CLICK_OUTCOMES, CLICK_REASONS } from '../../domain/click-outcome.js';
import { MAX_ADS_PER_QUERY, PLACEMENTS } from '../../domain/placement.js';
import { isStorableText } from '../../domain/storable-text.js';
import { DEVICE_TYPES, REGIONS } from '../../domain/targeting.js';

/** `GET /v1/ads` */
export const adQuerySchema = z.object({
  placement: z.enum(PLACEMENTS).describe('Where on the shop the ads will stand.'),
  category: z
    .string()
    .min(1)
    .max(64)
    .refine(isStorableText, 'must be valid text: no NUL, no half characters')
    .optional()
    .describe('Category id; required for CATEGORY and PRODUCT_DETAIL.'),
  query: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('What the shopper searched for; required for SEARCH.'),
  productId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('The product being looked at; never advertised to itself.'),
  maxAds: z.coerce.number().int().min(1).max(MAX_ADS_PER_QUERY).default(5),
  deviceId: z
    .string()
    .min(1)
    .max(128)
    .describe('The shop’s stable id of the browser or app. Stored hashed only.'),
  deviceType: z.enum(DEVICE_TYPES).optional().describe('For campaigns that name devices.'),
  region: z.enum(REGIONS).optional().describe('ISO 3166-2; for campaigns that name regions.'),
  segments: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}(,[A-Za-z0-9_.-]{1,64}){0,19}$/, 'up to 20 names with commas between')
    .optional()
    .describe('Segments of the shopper, comma-separated; for campaigns that name segments.'),
  pageToken: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe(
      'nextPageToken of the answer before, with the same placement, category, query and device: more ads of this list without those already shown. Good for 30 minutes.',
    ),
});
export type AdQuery = z.infer<typeof adQuerySchema>;

/** Why an answer holds no ad. */
export const NO_FILL_REASONS = [
  'no_candidates',
  'all_filtered',
  'end_of_list',
  'ranking_unavailable',
  'click_path_down',
] as const;
export type NoFillReason = (typeof NO_FILL_REASONS)[number];

export const adQueryResultSchema = z.object({
  requestId: z.string(),
  placement: z.enum(PLACEMENTS),
  /** One signed token for all ads of this answer; send it back with a click. Valid for 30 minutes. */
  clickToken: z.string(),
  ads: z.array(
    z.object({
      adId: z.string(),
      slot: z.number().int(),
      productId: z.string(),
      campaignId: z.string(),
      advertiserId: z.string(),
      /** The label that the law wants beside every ad. */
      label: z.literal('광고'),
    }),
  ),
  nextPageToken: z
    .string()
    .optional()
    .describe('With every answer that holds ads: send it as pageToken for more of the same list.'),
  noFillReason: z
    .enum(NO_FILL_REASONS)
    .optional()
    .describe(
      'Why there is no ad. no_candidates: nobody advertises here. all_filtered: somebody does, but nobody to this shopper now. end_of_list: the pages before held everything. ranking_unavailable, click_path_down: a part of ours is away; ask again later.',
    ),
});
export type AdQueryResult = z.infer<typeof adQueryResultSchema>;

/** `POST /v1/clicks` */
export const clickRequestSchema = z.object({
  clickToken: z.string().min(16).max(8192),
  adId: z.string().min(1).max(64),
  deviceId: z.string().min(1).max(128),
  clickedAt: z.iso.datetime({ offset: true }).describe('When the shopper clicked, ISO 8601 with offset.'),
});
export type ClickRequest = z.infer<typeof clickRequestSchema>;

/**
 * `charged` and `not_charged` are final. `accepted` (202): durable, will be decided exactly once, do not retry.
 * Whatever the answer, redirect the shopper.
 */
export const clickResultSchema = z.object({
  clickId: z.string(),
  outcome: z.enum(['charged', 'not_charged', 'accepted']),
  reason: z.enum(CLICK_REASONS).optional(),
  chargedCpcKrw: z.number().int().optional(),
});
export type ClickResult = z.infer<typeof clickResultSchema>;

/** `GET /v1/clicks/{clickId}` */
export const clickIdParamSchema = z.string().refine(isClickId, 'not a click id');
export const clickStatusSchema = clickResultSchema.extend({
  decision: z.enum(CLICK_OUTCOMES).nullable(),
});
