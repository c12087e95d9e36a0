import { z } from 'zod';
import { repeatedPlaces } from '../../domain/order-line.js';
import { MAX_ADS_PER_QUERY } from '../../domain/placement.js';

/** `POST /v1/impressions` */
export const impressionReportSchema = z.object({
  clickToken: z.string().min(16).max(8192).describe('The token of the answer that held the ads.'),
  deviceId: z.string().min(1).max(128).describe('The device that the ads were asked for.'),
  adIds: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(MAX_ADS_PER_QUERY)
    .check(({ value, issues }) => {
      for (const place of repeatedPlaces(value)) {
        issues.push({ code: 'custom', input: value, path: [place], message: 'stands twice' });
      }
    })
    .describe('The ads of that answer which came into view, each once.'),
});
export type ImpressionReport = z.infer<typeof impressionReportSchema>;

/** `recorded` counts the ads of this report; an ad that is reported again is still one viewed impression. */
export const impressionResultSchema = z.object({
  requestId: z.string(),
  recorded: z.number().int(),
});
export type ImpressionResult = z.infer<typeof impressionResultSchema>;
