import type { Pacing } from '../domain/pacing.js';
import { err, ok, type Result } from '../domain/result.js';
import { type DatabasePool, withRetriedTransaction } from '../infra/postgres.js';
import { auditCampaign } from './campaign-audit.js';
import { type CampaignFailure, noSuchCampaign } from './campaign-draft.js';
import { type Campaign, readCampaign } from './campaign-read.js';

export interface SetCampaignPacing {
  readonly campaignId: string;
  readonly pacing: Pacing;
  readonly actorId: string;
  readonly actorRole: string;
}

/**
 * How fast a campaign spends: at any time before its end, also while it serves. Nothing of what reviewers saw and
 * rankings know changes, so there is no review and no new serving version; the budget monitor finds it within its
 * next look. The same wish twice is one act.
 */
export async function setCampaignPacing(
  pool: DatabasePool,
  { campaignId, pacing, actorId, actorRole }: SetCampaignPacing,
): Promise<Result<Campaign, CampaignFailure>> {
  return withRetriedTransaction(pool, async (client) => {
    const campaign = await readCampaign(client, campaignId, { lock: true });
    if (campaign === null) return err(noSuchCampaign);
    if (campaign.status === 'ended') {
      return err({
        code: 'wrong_status',
        message: 'The campaign has ended.',
        nextStep: 'Make a new campaign.',
      });
    }
    if (campaign.pacing === pacing) return ok(campaign);
    // Not `updated_at`: by it a review waits its turn, and a wish that needs no review must not send it back.
    await client.query('UPDATE campaign SET pacing = $2 WHERE id = $1', [campaignId, pacing]);
    await auditCampaign(client, {
      actorId,
      actorRole,
      via: 'console',
      action: 'campaign.changePacing',
      campaignId,
      detail: { pacing, before: campaign.pacing },
    });
    return ok((await readCampaign(client, campaignId)) ?? campaign);
  });
}
