import { correlationId } from '../infra/log.js';
import type { Queryable } from '../infra/postgres.js';

export interface AuditedAct {
  /** A user, or `system`. */
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'signal' | 'cli' | 'system';
  /** Past tense with its object: `settlement.started`. */
  readonly action: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** In the transaction of the act itself: what was done and the record of it stand or fall together. */
export async function auditInTransaction(client: Queryable, act: AuditedAct): Promise<void> {
  await client.query(
    `INSERT INTO audit_log (actor_id, actor_role, via, action, object_type, object_id, detail, correlation_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      act.actorId,
      act.actorRole,
      act.via,
      act.action,
      act.objectType,
      act.objectId,
      JSON.stringify(act.detail ?? {}),
      correlationId() ?? null,
    ],
  );
}
