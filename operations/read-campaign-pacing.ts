import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { FULL_PASS_PPM, PACING_EVERY_MS } from '../contracts/budget-signal.js';
import type { CampaignPacing } from '../contracts/http/campaign-pacing.js';
import { type PacingStanding, plannedKrw, servingTimeOf } from '../domain/pacing.js';
import type { DatabasePool } from '../infra/postgres.js';
import type { Campaign } from './campaign-read.js';
import { readToldPacing, type ToldPacing } from './publish-pacing.js';
import { readPacedCampaign } from './read-paced-campaigns.js';

export interface CampaignPacingDeps {
  readonly pool: DatabasePool;
  readonly redis: Redis;
  readonly log: Pick<Logger, 'warn'>;
  /** Business clock, epoch ms. */
  readonly businessNow: () => number;
}

/** How a campaign spends its day: the plan as the books give it, and the share as the ad servers were told. */
export async function readCampaignPacing(
  deps: CampaignPacingDeps,
  { campaignId, pacing, targeting }: Pick<Campaign, 'campaignId' | 'pacing' | 'targeting'>,
): Promise<CampaignPacing> {
  const now = deps.businessNow();
  const money = await readPacedCampaign(deps.pool, campaignId);
  const told = pacing === 'even' ? await readTold(deps, campaignId) : null;
  const time = servingTimeOf(targeting, now);
  const standing = standingOf({ pacing, isSteered: money?.isSteered === true, told, serving: time.serving });
  const share = shareOf(standing, told);
  const looks = told?.lookedMsAgo ?? null;
  return {
    campaignId,
    at: isoTime(now),
    pacing,
    standing,
    share,
    dailyBudgetKrw: money?.dailyBudgetKrw ?? null,
    spentTodayKrw: money?.spentTodayKrw ?? 0,
    plannedKrw: money === null ? null : Math.floor(plannedKrw({ ...money, now, time })),
    nextLookAt: share === null || looks === null ? null : isoTime(now + Math.max(0, PACING_EVERY_MS - looks)),
  };
}

const isoTime = (epochMs: number) => new Date(epochMs).toISOString();

function standingOf(facts: {
  readonly pacing: Campaign['pacing'];
  readonly isSteered: boolean;
  readonly told: ToldPacing | null;
  readonly serving: boolean;
}): PacingStanding {
  const { pacing, isSteered, told, serving } = facts;
  if (pacing === 'asap') return 'full_pace';
  if (!isSteered) return 'not_served';
  if (told === null) return 'unknown';
  if (told.lookedMsAgo === null) return 'unattended';
  return serving ? 'steered' : 'outside_hours';
}

function shareOf(standing: PacingStanding, told: ToldPacing | null): number | null {
  if (standing === 'full_pace') return 1;
  if (standing === 'not_served' || told === null) return null;
  return told.passPpm / FULL_PASS_PPM;
}

/** Null when Redis cannot be read: then the answer says so, and nobody waits. */
async function readTold({ redis, log }: CampaignPacingDeps, campaignId: string): Promise<ToldPacing | null> {
  if (redis.status !== 'ready') return null;
  try {
    return await readToldPacing(redis, campaignId);
  } catch (error) {
    log.warn({ error: String(error), campaignId }, 'pacing cannot be read');
    return null;
  }
}
