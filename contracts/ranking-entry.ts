import { z } from 'zod';

/** One ad in a ranking blob: all that the ad server needs to filter, price and sign it. Times are epoch ms. */
export const rankingEntrySchema = z.object({
  adId: z.string(),
  campaignId: z.string(),
  advertiserId: z.string(),
  productId: z.string(),
  maxCpcKrw: z.number().int(),
  predictedCtrPpm: z.number().int(),
  rankScore: z.number().int(),
  /** Serving snapshot version of the campaign. */
  campaignVersion: z.number().int(),
  parametersVersion: z.number().int(),
  bidFloorKrw: z.number().int(),
  startAt: z.number().int(),
  endAt: z.number().int(),
  /** JSON of `Targeting`; left out for everybody. */
  targeting: z.string().optional(),
});
export type RankingEntry = z.infer<typeof rankingEntrySchema>;

export const campaignAcknowledgementSchema = z.object({
  version: z.number().int(),
  status: z.string(),
});
