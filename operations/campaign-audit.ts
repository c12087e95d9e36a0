import { correlationId } from '../infra/log.js';
import type { Queryable } from '../infra/postgres.js';

export interface CampaignAct {
  /** A user, or `system`. */
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'signal' | 'system';
  readonly action: string;
  readonly campaignId: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** In the transaction of the act itself: what was done and the record of it stand or fall together. */
export async function auditCampaign(client: Queryable, act: CampaignAct): Promise<void> {
  await client.query(
    `INSERT INTO audit_log (actor_id, actor_role, via, action, object_type, object_id, detail, correlation_id)
     VALUES ($1, $2, $3, $4, 'campaign', $5, $6, $7)`,
    [
      act.actorId,
      act.actorRole,
      act.via,
      act.action,
      act.campaignId,
      JSON.stringify(act.detail),
      correlationId() ?? null,
    ],
  );
}

export const SYSTEM_ACTOR = { actorId: 'system', actorRole: 'system', via: 'system' } as const;
