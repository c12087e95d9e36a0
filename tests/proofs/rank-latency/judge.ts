import { z } from 'zod';
import { type RankingEntry, rankingEntrySchema } from '../../../contracts/ranking-entry.js';
import { MAX_ADS_PER_ADVERTISER_IN_RANKING } from '../../../domain/placement.js';
import { compareRanked, rankScore } from '../../../domain/ranking.js';

const blobSchema = z.array(rankingEntrySchema);
/** At the end of a full ranking ads come and go by rights, when the ones above them change. */
const SAFE_SHARE = 0.9;

export type Fault =
  | 'unreadable'
  | 'not sorted'
  | 'wrong score'
  | 'an ad twice'
  | 'more ads of an advertiser than allowed'
  | 'half-updated campaign'
  | 'mixed generations'
  | 'an ad missing between two rankings that hold it';

/** What is wrong with one ranking as it was read, taken by itself. */
export function faultsOf(text: string): {
  readonly entries: readonly RankingEntry[];
  readonly faults: readonly Fault[];
} {
  const parsed = blobSchema.safeParse(parseJson(text));
  if (!parsed.success) return { entries: [], faults: ['unreadable'] };
  const entries = parsed.data;
  const faults: Fault[] = [];
  if (entries.some((entry, index) => index > 0 && compareRanked(entries[index - 1] ?? entry, entry) > 0))
    faults.push('not sorted');
  if (entries.some((entry) => entry.rankScore !== rankScore(entry.maxCpcKrw, entry.predictedCtrPpm)))
    faults.push('wrong score');
  if (new Set(entries.map((entry) => entry.adId)).size < entries.length) faults.push('an ad twice');
  if (mostOf(entries.map((entry) => entry.advertiserId)) > MAX_ADS_PER_ADVERTISER_IN_RANKING)
    faults.push('more ads of an advertiser than allowed');
  if (isHalfUpdated(entries)) faults.push('half-updated campaign');
  const generations = new Set(entries.map((entry) => `${entry.parametersVersion} ${entry.bidFloorKrw}`));
  if (generations.size > 1) faults.push('mixed generations');
  return { entries, faults };
}

/** Both ads of a campaign change in one act: two versions of it in one ranking are half of a change. */
function isHalfUpdated(entries: readonly RankingEntry[]): boolean {
  const seen = new Map<string, string>();
  for (const { campaignId, campaignVersion, maxCpcKrw } of entries) {
    const generation = `${campaignVersion} ${maxCpcKrw}`;
    if ((seen.get(campaignId) ?? generation) !== generation) return true;
    seen.set(campaignId, generation);
  }
  return false;
}

/** Ads that stand well inside the ranking before and after, with one score, but not in the one between them. */
export function missingBetween(
  before: readonly RankingEntry[],
  between: readonly RankingEntry[],
  after: readonly RankingEntry[],
  depth: number,
): readonly string[] {
  const inside = (entries: readonly RankingEntry[]) => entries.slice(0, Math.floor(depth * SAFE_SHARE));
  const held = new Set(between.map((entry) => entry.adId));
  const later = new Map(inside(after).map((entry) => [entry.adId, entry.rankScore]));
  return inside(before)
    .filter((entry) => later.get(entry.adId) === entry.rankScore && !held.has(entry.adId))
    .map((entry) => entry.adId);
}

function mostOf(names: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
