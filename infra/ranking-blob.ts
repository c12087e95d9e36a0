import type { RankingEntry } from '../contracts/ranking-entry.js';
import { compareRanked, rankScore } from '../domain/ranking.js';

const TEXTS = ['adId', 'campaignId', 'advertiserId', 'productId'] as const;
const INTEGERS = [
  'maxCpcKrw',
  'predictedCtrPpm',
  'rankScore',
  'campaignVersion',
  'parametersVersion',
  'bidFloorKrw',
  'startAt',
  'endAt',
] as const;

/**
 * The entries of one ranking, in ranking order, or null when anything about the text is wrong: a half-right ranking
 * would charge wrong prices. Written out by hand because thousands of entries a second are checked beside the
 * request path; the shape is `rankingEntrySchema` (a test holds the two together).
 */
export function parseRankingBlob(text: string): RankingEntry[] | null {
  const value = parseJson(text);
  if (!Array.isArray(value)) return null;
  const entries: RankingEntry[] = [];
  for (const item of value as unknown[]) {
    if (!isRankingEntry(item)) return null;
    if (item.rankScore !== rankScore(item.maxCpcKrw, item.predictedCtrPpm)) return null;
    entries.push(item);
  }
  return entries.sort(compareRanked);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRankingEntry(item: unknown): item is RankingEntry {
  if (typeof item !== 'object' || item === null) return false;
  const fields = item as Record<string, unknown>;
  for (const name of TEXTS) if (typeof fields[name] !== 'string') return false;
  for (const name of INTEGERS) if (!Number.isSafeInteger(fields[name])) return false;
  return fields.targeting === undefined || typeof fields.targeting === 'string';
}
