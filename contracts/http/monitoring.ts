import { z } from 'zod';
import {
  BALANCE_LEVELS,
  BUDGET_STATES,
  MAX_ALERT_PERCENTS,
  MAX_LOW_BALANCE_DAYS,
} from '../../domain/budget-alerts.js';
import { instantSchema } from './console-identity.js';

const percents = z
  .array(z.number().int().min(1).max(100))
  .max(MAX_ALERT_PERCENTS)
  .refine((list) => new Set(list).size === list.length, 'each percent once');

/** `GET` and `PUT /v1/advertisers/{id}/alert-settings` */
export const alertSettingsSchema = z
  .object({
    dailyBudgetPercents: percents.describe(
      'Percent of the daily budget; each told once per campaign and day.',
    ),
    totalBudgetPercents: percents.describe('Percent of the total budget; each told once per total budget.'),
    lowBalanceDays: z
      .number()
      .int()
      .min(1)
      .max(MAX_LOW_BALANCE_DAYS)
      .nullable()
      .describe('Tell when the balance lasts less than this many days of the average of the last seven.'),
    lowBalanceKrw: z
      .number()
      .int()
      .min(1)
      .max(1_000_000_000_000)
      .nullable()
      .describe('Or when it is below this.'),
  })
  .refine((settings) => settings.lowBalanceDays === null || settings.lowBalanceKrw === null, {
    message: 'set lowBalanceDays or lowBalanceKrw, not both',
    path: ['lowBalanceKrw'],
  });

const liveCampaignSchema = z.object({
  campaignId: z.string(),
  name: z.string(),
  state: z.enum(BUDGET_STATES),
  spentTodayKrw: z.number().int(),
  dailyBudgetKrw: z.number().int(),
  remainingTodayKrw: z.number().int(),
  runsOutAt: instantSchema.nullable().describe('When today’s budget will be spent at today’s pace.'),
});

const liveAlertSchema = z.object({
  id: z.string(),
  template: z.string(),
  subject: z.string(),
  createdAt: instantSchema,
});

/** `GET /v1/advertisers/{id}/summary`, and the data of each event of `/live`. Business day, Korea. */
export const liveNumbersSchema = z.object({
  advertiserId: z.string(),
  businessDate: z.string(),
  balanceKrw: z.number().int(),
  balanceLevel: z.enum(BALANCE_LEVELS),
  spentTodayKrw: z.number().int().describe('Charged today, without what was taken back.'),
  clicksToday: z.number().int().describe('Charged clicks.'),
  conversionsToday: z.number().int(),
  campaigns: z.array(liveCampaignSchema),
  alerts: z.array(liveAlertSchema).describe('The newest alerts about money, the newest first.'),
});
export type LiveNumbers = z.infer<typeof liveNumbersSchema>;
