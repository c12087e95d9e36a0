import { z } from 'zod';
import { NO_BID_REASONS } from '../../domain/auction.js';
import { PLACEMENTS } from '../../domain/placement.js';
import { FINDING_CODES, SERVING_STATUSES } from '../../domain/serving-diagnosis.js';
import { SERVING_OUTCOMES } from '../../domain/serving-outcome.js';
import { instantSchema } from './console-identity.js';

const whole = z.number().int();
const share = z.number().min(0).max(1);

const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  severity: z
    .enum(['blocking', 'limiting', 'info'])
    .describe('blocking: not served now; limiting: served less than it could be.'),
  ko: z.string(),
  en: z.string(),
  nextStepKo: z.string(),
  nextStepEn: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).describe('The numbers behind it.'),
});

const numbersSchema = z.object({
  since: instantSchema,
  considered: whole.describe('Times that an ad of this campaign stood in the ranking of an auction.'),
  examined: whole.describe('Of these, looked at before every slot was taken. Counted one by one.'),
  won: whole.describe('Slots won. Counted one by one.'),
  winRate: share.nullable().describe('won / (considered − an own ad that ranked higher took part instead).'),
  isEstimate: z
    .boolean()
    .describe('considered and the marked reasons hold auctions counted by samples (one of N, N times).'),
  reasons: z
    .array(
      z.object({
        reason: z.enum(Object.keys(NO_BID_REASONS)),
        number: whole.describe('Stable: 1xx schedule, 2xx money, 3xx page, 4xx rivals.'),
        count: whole,
        share: share.describe('Of considered.'),
        isEstimate: z.boolean(),
      }),
    )
    .describe('Why no slot was won, the commonest first.'),
});

const sampleSchema = z.object({
  at: instantSchema,
  placement: z.enum(PLACEMENTS),
  target: z.string().describe('Category, keyword in normal form, or * for the home page.'),
  adId: z.string(),
  outcome: z.enum(SERVING_OUTCOMES),
  ownRank: whole.describe('In the ranking, from 1.'),
  slots: whole.describe('Ads that the page asked for.'),
  slot: whole.nullable(),
  priceKrw: whole.nullable().describe('Price of a click that was promised; null when not won.'),
  rankScore: whole,
  maxCpcKrw: whole,
  predictedCtrPpm: whole,
  lowestWinningScoreRatio: z
    .number()
    .nullable()
    .describe('Score of the lowest winner over the own one, to a tenth; null when a slot stayed free.'),
  lowestWinningPriceLevelKrw: whole.nullable().describe('Its price, rounded up to 100 won.'),
});

/** `GET /v1/campaigns/{id}/serving-diagnosis` */
export const servingDiagnosisSchema = z.object({
  campaignId: z.string(),
  at: instantSchema,
  servingStatus: z.enum(SERVING_STATUSES),
  liveNumbers: z
    .enum(['available', 'unavailable'])
    .describe(
      'unavailable: what the ad servers counted cannot be read now; the findings know the books only.',
    ),
  findings: z.array(findingSchema).describe('The most important first.'),
  placements: z.array(
    z.object({
      placement: z.enum(PLACEMENTS),
      maxCpcKrw: whole,
      lastHour: numbersSchema.nullable().describe('The running clock hour and the one before it.'),
      lastDay: numbersSchema.nullable().describe('The running clock hour and the 24 before it.'),
    }),
  ),
  samples: z.array(sampleSchema).describe('The newest sampled auctions of this campaign, at most 20.'),
});
export type ServingDiagnosis = z.infer<typeof servingDiagnosisSchema>;
