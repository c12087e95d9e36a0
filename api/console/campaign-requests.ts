import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { campaignSchema } from '../../contracts/http/campaigns.js';
import type { CommandAnswer } from '../../contracts/temporal/campaign-lifecycle.js';
import { requireOwnership, type UserActor } from '../../domain/access.js';
import { err, ok, type Result } from '../../domain/result.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { type Campaign, readCampaign } from '../../operations/campaign-read.js';
import { IDEMPOTENCY_KEY } from '../kit/route.js';

/** The caller's key of this act, if it sent one. */
export function optionalIdempotencyKey(req: {
  get(name: string): string | undefined;
}): Result<string | null> {
  const key = req.get('idempotency-key') ?? '';
  if (key === '') return ok(null);
  if (IDEMPOTENCY_KEY.test(key)) return ok(key);
  return err({
    code: 'invalid_request',
    message: 'The Idempotency-Key is not usable: 8 to 128 letters, digits or _ . : -.',
    field: 'headers.idempotency-key',
  });
}

/** Nobody can repeat, or block, the act of another person or another kind by choosing the same key. */
export function commandIdOf(actor: UserActor, act: string, key: string | null): string {
  return `${act}:${actor.userId}:${key ?? randomUUID()}`;
}

/** The campaign of the path when it exists and this person may see it; the same 404 otherwise. */
export async function findOwnCampaign(
  pool: DatabasePool,
  actor: UserActor,
  campaignId: string,
): Promise<Result<Campaign>> {
  const campaign = await readCampaign(pool, campaignId);
  return requireOwnership(actor, campaign, (row) => row.advertiserId, 'campaign');
}

export function campaignBody({ campaignId, ...campaign }: Campaign): z.input<typeof campaignSchema> {
  return {
    ...campaign,
    id: campaignId,
    ads: [...campaign.ads],
    keywords: [...campaign.keywords],
    bids: [...campaign.bids],
    createdAt: isoTime(campaign.createdAt),
    updatedAt: isoTime(campaign.updatedAt),
  };
}

export const isoTime = (epochMs: number) => new Date(epochMs).toISOString();

/** A refused command has become a failure before; what is left was accepted. */
export const acceptedBody = (answer: CommandAnswer) => ({
  accepted: true as const,
  phase: answer.phase,
  version: answer.version,
});
