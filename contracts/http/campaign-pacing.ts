import { z } from 'zod';
import { PACING_STANDINGS, PACINGS } from '../../domain/pacing.js';
import { instantSchema } from './console-identity.js';

const won = z.number().int();

/** `GET /v1/campaigns/{id}/pacing` */
export const campaignPacingSchema = z.object({
  campaignId: z.string(),
  at: instantSchema,
  pacing: z.enum(PACINGS),
  standing: z
    .enum(PACING_STANDINGS)
    .describe(
      'full_pace: it wants speed. steered: held to its plan. outside_hours: not in its hours or days; the next one goes on with this share. not_served: draft, paused, stopped, or ended. unattended: nobody steers, so full pace within a minute. unknown: the ad servers cannot be asked now.',
    ),
  share: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('Of the queries that it could win, in how many it takes part. Null: not served, or unknown.'),
  dailyBudgetKrw: won
    .nullable()
    .describe(
      'What today may cost: the daily budget, or what the total budget leaves of it. Null: not approved yet.',
    ),
  spentTodayKrw: won,
  plannedKrw: won
    .nullable()
    .describe('What an even day has spent by now, over the serving hours. Null without a budget.'),
  nextLookAt: instantSchema.nullable().describe('When the share is set anew; null while nobody will.'),
});
export type CampaignPacing = z.input<typeof campaignPacingSchema>;
