import { z } from 'zod';
import { PLACEMENTS } from '../../domain/placement.js';
import { instantSchema } from './console-identity.js';

const figures = z.record(z.string(), z.number());

export const bidProposalSchema = z.object({
  id: z.string(),
  week: z.string().describe('Monday of the week in which it was made.'),
  campaignId: z.string(),
  placement: z.enum(PLACEMENTS),
  currentMaxCpcKrw: z.number().int(),
  proposedMaxCpcKrw: z.number().int().describe('At most 20 % away from the current bid.'),
  reason: z.enum(['sells_well', 'sells_badly', 'rarely_shown']),
  figures: figures.describe('What it is based on: the seven days before that Monday.'),
  status: z.enum(['open', 'accepted', 'rejected', 'expired']),
  createdAt: instantSchema,
  decidedAt: instantSchema.nullable(),
});

export const rankingParametersProposalSchema = z.object({
  quarter: z.string(),
  baseVersion: z.number().int(),
  priorClicksMilli: z.number().int(),
  priorImpressionsMilli: z.number().int(),
  bidFloorKrw: z.number().int(),
  reason: z.string(),
  figures,
  status: z.enum(['open', 'approved', 'rejected', 'expired']),
  publishedVersion: z.number().int().nullable(),
  createdAt: instantSchema,
  decidedAt: instantSchema.nullable(),
  decidedBy: z.string().nullable(),
});
