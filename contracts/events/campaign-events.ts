import { z } from 'zod';
import { PLACEMENTS } from '../../domain/placement.js';

/**
 * Topic `campaign-events`, compacted. Each record is the whole truth of its key with a rising `version`;
 * a reader keeps the newest version it has seen and ignores older ones.
 */
const envelope = {
  eventId: z.string().min(1),
  schemaVersion: z.literal(1),
  recordedAt: z.number().int().positive(),
};
const id = z.string().min(1);

export const servingSnapshotFields = {
  campaignId: id,
  advertiserId: id,
  version: z.number().int().positive(),
  status: z.enum(['enabled', 'paused', 'ended']),
  ads: z.array(z.object({ adId: id, productId: id, categoryId: id })),
  /** Normalised by `normaliseKeyword`. */
  keywords: z.array(z.string()),
  bids: z.array(z.object({ placement: z.enum(PLACEMENTS), maxCpcKrw: z.number().int().positive() })),
  /** JSON of `Targeting` (domain/targeting.ts), passed through the ranking unread; left out for everybody. */
  targeting: z.string().optional(),
  /** Serving time `[startAt, endAt)`, epoch ms. */
  startAt: z.number().int(),
  endAt: z.number().int(),
};
export const servingSnapshotSchema = z.object(servingSnapshotFields);
export type ServingSnapshot = z.infer<typeof servingSnapshotSchema>;

export const CAMPAIGN_EVENT_TYPES = [
  'CAMPAIGN_APPROVED',
  'CAMPAIGN_UPDATED',
  'CAMPAIGN_PAUSED',
  'CAMPAIGN_RESUMED',
  'CAMPAIGN_ENDED',
] as const;
export type CampaignEventType = (typeof CAMPAIGN_EVENT_TYPES)[number];

/** Key `campaign:<campaignId>`. `eventId` = `campaign:<campaignId>:<version>`. */
export const campaignChangedSchema = z.object({
  ...envelope,
  type: z.enum(CAMPAIGN_EVENT_TYPES),
  ...servingSnapshotFields,
});

/** Key `serving:<campaignId>`: money stops or resumes a campaign; another writer, so another version. */
export const campaignServingChangedSchema = z.object({
  ...envelope,
  type: z.literal('CAMPAIGN_SERVING_CHANGED'),
  campaignId: id,
  version: z.number().int().positive(),
  stopped: z.boolean(),
});

/** Key `ranking-parameters`. */
export const rankingParametersChangedSchema = z.object({
  ...envelope,
  type: z.literal('RANKING_PARAMETERS_CHANGED'),
  version: z.number().int().positive(),
  parameters: z.object({
    priorClicksMilli: z.number().int().nonnegative(),
    priorImpressionsMilli: z.number().int().positive(),
    bidFloorKrw: z.number().int().positive(),
  }),
});

export const campaignEventSchema = z.union([
  campaignChangedSchema,
  campaignServingChangedSchema,
  rankingParametersChangedSchema,
]);
export type CampaignChanged = z.infer<typeof campaignChangedSchema>;
export type CampaignServingChanged = z.infer<typeof campaignServingChangedSchema>;
export type RankingParametersChanged = z.infer<typeof rankingParametersChangedSchema>;
export type CampaignEvent = z.infer<typeof campaignEventSchema>;
