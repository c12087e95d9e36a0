import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { FLINK_FOLDER } from '../../../flink/render-statement.js';

/** The fixed cases of each statement, `flink/cases/<statement>/*.json`: given rows, exact expected rows. */

const rankingCaseSchema = z.object({
  guarantee: z.string(),
  campaignEvents: z.array(z.unknown()),
  adEvents: z.array(z.unknown()),
  /** Key -> ad id and rank score, best first. */
  expected: z.record(z.string(), z.array(z.tuple([z.string(), z.number()]))),
  acknowledged: z.record(z.string(), z.object({ version: z.number(), status: z.string() })).optional(),
});

const conversionCaseSchema = z.object({
  guarantee: z.string(),
  adEvents: z.array(z.unknown()),
  conversionEvents: z.array(z.unknown()),
  /** Order line -> click, match, time of the reversal. */
  expected: z.record(
    z.string(),
    z.tuple([z.string(), z.enum(['direct', 'indirect']), z.number().nullable()]),
  ),
});

const performanceCaseSchema = z.object({
  guarantee: z.string(),
  adEvents: z.array(z.unknown()),
  /** "<ad> <placement> <window start>" -> the final served, viewed, clicks, conversions, value, CTR, CVR. */
  expected: z.record(z.string(), z.array(z.number()).length(7)),
});

const lateCaseSchema = conversionCaseSchema.extend({
  /** What comes when event time is a day further. */
  late: z.object({ adEvents: z.array(z.unknown()), conversionEvents: z.array(z.unknown()) }),
  /** Order line -> how the reason of its dead letter begins. */
  deadLetters: z.record(z.string(), z.string()),
});

export const rankingCases = () => readCases('rtb-ranking', rankingCaseSchema);
export const conversionCases = () => readCases('conversion-match-24h', conversionCaseSchema);
export const performanceCases = () => readCases('performance-5m', performanceCaseSchema);
/** They need live topics: first everything else, then what is late. */
export const lateCases = () => readCases('late', lateCaseSchema);

function readCases<T extends object>(statement: string, schema: z.ZodType<T>): (T & { name: string })[] {
  const folder = path.join(FLINK_FOLDER ?? '', 'cases', statement);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: path.basename(file, '.json'),
      ...schema.parse(JSON.parse(readFileSync(path.join(folder, file), 'utf8'))),
    }));
}
