import type { Actor } from '../domain/access.js';
import { correlationId } from '../infra/log.js';
import type { Queryable } from '../infra/postgres.js';
import type { Prisma, PrismaClient } from '../infra/prisma.js';

/** Something that an admin, finance or the system did. Ids only in `detail`: never personal or bank data. */
export interface AuditEntry {
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'signal' | 'cli' | 'system';
  /** Past tense with its object: `api_key.created`. */
  readonly action: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly detail?: Readonly<Record<string, Prisma.InputJsonValue | null>>;
}

export function auditActor(actor: Actor): Pick<AuditEntry, 'actorId' | 'actorRole'> {
  return actor.kind === 'user'
    ? { actorId: actor.userId, actorRole: actor.role }
    : { actorId: actor.keyId, actorRole: 'api-key' };
}

/** In the transaction of the act itself, so that neither exists without the other. */
export async function recordAudit(
  prisma: Pick<PrismaClient, 'auditLog'> | Prisma.TransactionClient,
  entry: AuditEntry,
): Promise<void> {
  const { detail, ...columns } = entry;
  await prisma.auditLog.create({
    data: { ...columns, detail: { ...detail }, correlationId: correlationId() ?? null },
  });
}

/** The same for operations that write with plain SQL. */
export async function recordAuditSql(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query(
    `INSERT INTO audit_log (actor_id, actor_role, via, action, object_type, object_id, detail, correlation_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      entry.actorId,
      entry.actorRole,
      entry.via,
      entry.action,
      entry.objectType,
      entry.objectId,
      JSON.stringify(entry.detail ?? {}),
      correlationId() ?? null,
    ],
  );
}
