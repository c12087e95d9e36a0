import { z } from 'zod';

/**
 * "Do not serve this": written by the charging transaction, relayed to Redis by version.
 * `untilDate` (KST) ends a daily stop by itself at midnight; null stays until the money changes.
 */
export const servingStopSchema = z.object({
  scope: z.enum(['campaign', 'advertiser']),
  id: z.string(),
  stopped: z.boolean(),
  reason: z.enum([
    'daily_budget_exhausted',
    'total_budget_exhausted',
    'balance_exhausted',
    'paused',
    'payment_reversed',
    'none',
  ]),
  untilDate: z.string().nullable(),
  version: z.number().int(),
});
export type ServingStop = z.infer<typeof servingStopSchema>;

export const servingStopField = (stop: Pick<ServingStop, 'scope' | 'id'>) => `${stop.scope}:${stop.id}`;

/** What the balance worker tells the waiting ad server. */
export const clickOutcomeMessageSchema = z.object({
  clickId: z.string(),
  outcome: z.enum(['charged', 'no_balance', 'over_budget', 'invalid']),
  reason: z.string().nullable(),
  chargedCpcKrw: z.number().int(),
});
export type ClickOutcomeMessage = z.infer<typeof clickOutcomeMessageSchema>;
