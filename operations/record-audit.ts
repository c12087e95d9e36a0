import type { Actor } from '../domain/access.js';
import { correlationId } from '../infra/log.js';
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
