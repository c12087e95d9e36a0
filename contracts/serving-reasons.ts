import { z } from 'zod';
import { PLACEMENTS, type Placement } from '../domain/placement.js';
import {
  type PlacementCounts,
  SERVING_OUTCOMES,
  type ServingOutcome,
  type ServingSample,
} from '../domain/serving-outcome.js';

/** What ad servers tell of their auctions through Redis. Statistics: a flush that is repeated may count twice. */
const HOUR_MS = 3_600_000;

/** The clock hour that a count belongs to; part of its key. */
export const servingHourOf = (epochMs: number) => Math.floor(epochMs / HOUR_MS);
export const startOfServingHour = (hour: number) => hour * HOUR_MS;

/** Counts of an hour are kept for this long, samples for this long after the last. */
export const SERVING_REASONS_TTL_SECONDS = 48 * 3_600;
export const SERVING_SAMPLES_TTL_SECONDS = 2 * 3_600;
export const SERVING_SAMPLES_KEPT = 20;

/** Campaigns beyond what an ad server tracks are counted together under this name. */
export const UNTRACKED_CAMPAIGNS = '_untracked';

/** Field of the hash `serving-reasons:*`; its value is a whole number. */
export const servingCountField = (placement: Placement, outcome: ServingOutcome) => `${placement}:${outcome}`;

const FIELDS = new Map(
  PLACEMENTS.flatMap((placement) =>
    SERVING_OUTCOMES.map(
      (outcome) => [servingCountField(placement, outcome), { placement, outcome }] as const,
    ),
  ),
);

/** The sum of some hashes; what is no count of ours (another release's field, not a number) is left out. */
export function sumServingCounts(hashes: readonly Readonly<Record<string, string>>[]): PlacementCounts {
  const sums: Record<Placement, Partial<Record<ServingOutcome, number>>> = {
    HOME: {},
    CATEGORY: {},
    PRODUCT_DETAIL: {},
    SEARCH: {},
  };
  for (const hash of hashes) {
    for (const [name, text] of Object.entries(hash)) {
      const field = FIELDS.get(name);
      const count = Number(text);
      if (field === undefined || !Number.isSafeInteger(count) || count <= 0) continue;
      const counts = sums[field.placement];
      counts[field.outcome] = (counts[field.outcome] ?? 0) + count;
    }
  }
  return sums;
}

const whole = z.number().int().nonnegative();

/** One element of the list `serving-samples:*`. Never anything that names another advertiser. */
export const servingSampleSchema = z.object({
  at: whole,
  placement: z.enum(PLACEMENTS),
  target: z.string(),
  adId: z.string(),
  outcome: z.enum(SERVING_OUTCOMES),
  ownRank: whole,
  slots: whole,
  slot: whole.nullable(),
  priceKrw: whole.nullable(),
  rankScore: whole,
  maxCpcKrw: whole,
  predictedCtrPpm: whole,
  lowestWinningScore: whole.nullable(),
  lowestWinningPriceKrw: whole.nullable(),
}) satisfies z.ZodType<ServingSample>;

/** Samples as they stand in Redis, the newest first; what cannot be read is left out. */
export function parseServingSamples(texts: readonly string[]): ServingSample[] {
  return texts.flatMap((text) => {
    try {
      const parsed = servingSampleSchema.safeParse(JSON.parse(text));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}
