import { z } from 'zod';

/**
 * What is left of money that is near its end, told by the charging transaction that took the last of it. Only a hint
 * for ad servers, so that nothing is offered that could not be charged: the stop list stays the authority.
 * A campaign: the least of daily and total budget. An advertiser: its balance.
 */
export const budgetLeftSchema = z.object({
  scope: z.enum(['campaign', 'advertiser']),
  id: z.string(),
  leftKrw: z.number().int().nonnegative(),
  /** Last business date (KST) on which this counts: the daily budget is the narrow one. Null: until money changes. */
  untilDate: z.string().nullable(),
  /** `campaign_budget.version` or `advertiser_balance.version` after the change: the newer one wins. */
  version: z.number().int(),
});
export type BudgetLeft = z.infer<typeof budgetLeftSchema>;

/** Payload of `REDIS_CHANNELS.budgetLeft`. */
export const budgetLeftListSchema = z.array(budgetLeftSchema);

/** 1,000,000: every query. */
export const FULL_PASS_PPM = 1_000_000;

/** The share of queries in which an evenly spending campaign takes part, in parts per million. */
export const passShareSchema = z.object({
  campaignId: z.string(),
  passPpm: z.number().int().min(0).max(FULL_PASS_PPM),
});
export type PassShare = z.infer<typeof passShareSchema>;

/** How often the shares are set anew. */
export const PACING_EVERY_MS = 10_000;

/** Payload of `REDIS_CHANNELS.pacingChanged`. */
export const passShareListSchema = z.array(passShareSchema);

/**
 * How long a signal counts after it was heard. Whoever sends them may die: then everything is offered again at full
 * pace, and the stop list alone decides.
 */
export const BUDGET_SIGNAL_LEASE_MS = 60_000;
