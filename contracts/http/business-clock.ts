import { z } from 'zod';
import { DAY_MS, isBusinessDate } from '../../domain/business-date.js';
import { instantSchema } from './console-identity.js';

/** A mistyped year must not end a demonstration: the clock never goes back. */
export const MOST_MS_AT_ONCE = 100 * DAY_MS;

export const businessDateSchema = z
  .string()
  .refine(isBusinessDate, 'a day that exists, YYYY-MM-DD')
  .describe('A calendar day in Korea.');

export const businessClockSchema = z.object({
  now: instantSchema.describe('Business time.'),
  businessDate: businessDateSchema,
  offsetMs: z.number().int().describe('Business time less real time; 0 in production.'),
});

/** `POST /v1/business-clock/advances`: exactly one of the two. */
export const advanceClockSchema = z
  .object({
    byMs: z.number().int().min(1).max(MOST_MS_AT_ONCE).optional(),
    toDate: businessDateSchema.optional().describe('To 00:00 in Korea of this day; at most 100 days ahead.'),
  })
  .refine(({ byMs, toDate }) => (byMs === undefined) !== (toDate === undefined), 'either byMs or toDate');

export const advancedClockSchema = businessClockSchema.extend({
  campaignsTold: z.number().int().describe('Campaigns that plan their end again.'),
});
