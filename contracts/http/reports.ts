import { z } from 'zod';

export const REPORT_GROUPS = ['day', 'campaign', 'ad', 'placement'] as const;
export type ReportGroup = (typeof REPORT_GROUPS)[number];

const rate = z.number().nonnegative().nullable();

/** The measures of one row and of the whole range; a rate is null where its denominator is zero. */
export const measuresSchema = z.object({
  servedImpressions: z.number().int(),
  viewedImpressions: z.number().int(),
  chargedClicks: z.number().int(),
  invalidClicks: z.number().int().describe('Filtered: not charged, not in any rate.'),
  unpaidClicks: z.number().int().describe('Valid, but budget or balance was spent: not charged.'),
  overDeliveryKrw: z
    .number()
    .int()
    .describe('What the unpaid clicks would have cost, VAT included: borne by the platform, never billed.'),
  spendKrw: z.number().int().describe('Charged on these days, VAT included.'),
  reversedKrw: z.number().int().describe('Taken back on these days.'),
  averageCpcKrw: rate.describe('spendKrw / chargedClicks.'),
  ctr: rate.describe('Valid clicks / served impressions.'),
  cvr: rate.describe('Conversions / valid clicks.'),
  directConversions: z.number().int().describe('Of the advertised product.'),
  indirectConversions: z.number().int().describe('Of another product of the same seller.'),
  conversionValueKrw: z.number().int(),
  roas: rate.describe('conversionValueKrw / (spendKrw − reversedKrw).'),
});

export const performanceRowSchema = measuresSchema.extend({
  key: z.string().describe('The day, or the id of what the rows are grouped by.'),
  name: z.string().nullable(),
  collecting: z.boolean().describe('Conversions may still come: the last 24 hours are in this row.'),
});

/** `GET /v1/advertisers/{id}/performance` */
export const performanceReportSchema = z.object({
  advertiserId: z.string(),
  from: z.string(),
  to: z.string(),
  groupBy: z.enum(REPORT_GROUPS),
  totals: measuresSchema.extend({ collecting: z.boolean() }),
  items: z.array(performanceRowSchema),
  nextCursor: z.string().nullable(),
  disclosure: z.array(z.string()).describe('How these numbers were measured.'),
});

export type Measures = z.input<typeof measuresSchema>;
export type PerformanceRow = z.input<typeof performanceRowSchema>;
