import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { ServingSnapshot } from '../contracts/events/campaign-events.js';
import { campaignAcknowledgementSchema } from '../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../contracts/redis-keys.js';
import { rankingTargets } from '../domain/campaign-snapshot.js';

/**
 * How far the ranking is with one version of a campaign: not seen it yet; seen it, and at least one of its ads
 * stands in a ranking; seen it, and none does.
 */
export type RankingAcknowledgement = 'unseen' | 'ranked' | 'not_ranked';

const KEYS_PER_READ = 50;
/** All that is asked of a ranking here; the ad server checks the rest. */
const rankedCampaignsSchema = z.array(z.object({ campaignId: z.string() }));

export async function readRankingAcknowledgement(
  redis: Pick<Redis, 'get' | 'mget'>,
  snapshot: ServingSnapshot,
): Promise<RankingAcknowledgement> {
  const text = await redis.get(REDIS_KEYS.campaignAcknowledgement(snapshot.campaignId));
  if (text === null) return 'unseen';
  const acknowledged = campaignAcknowledgementSchema.parse(JSON.parse(text));
  if (acknowledged.version < snapshot.version) return 'unseen';
  return (await standsInRanking(redis, snapshot)) ? 'ranked' : 'not_ranked';
}

async function standsInRanking(redis: Pick<Redis, 'mget'>, snapshot: ServingSnapshot): Promise<boolean> {
  const keys = rankingTargets(snapshot).map(({ placement, target }) => REDIS_KEYS.ranking(placement, target));
  for (let from = 0; from < keys.length; from += KEYS_PER_READ) {
    const blobs = await redis.mget(keys.slice(from, from + KEYS_PER_READ));
    if (blobs.some((blob) => blob !== null && holdsCampaign(blob, snapshot.campaignId))) return true;
  }
  return false;
}

function holdsCampaign(blob: string, campaignId: string): boolean {
  return rankedCampaignsSchema.parse(JSON.parse(blob)).some((entry) => entry.campaignId === campaignId);
}
