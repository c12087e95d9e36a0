import type { Prisma, PrismaClient } from '../infra/prisma.js';

export interface AuditLogFilter {
  readonly objectType?: string | undefined;
  readonly objectId?: string | undefined;
  readonly actorId?: string | undefined;
  /** Only entries older than this id. */
  readonly beforeId: number | null;
  readonly limit: number;
}

/** Newest first. Reads `limit + 1` rows, so that the caller knows whether there are more. */
export async function listAuditLog(prisma: Pick<PrismaClient, 'auditLog'>, filter: AuditLogFilter) {
  const where: Prisma.AuditLogWhereInput = {};
  if (filter.objectType !== undefined) where.objectType = filter.objectType;
  if (filter.objectId !== undefined) where.objectId = filter.objectId;
  if (filter.actorId !== undefined) where.actorId = filter.actorId;
  if (filter.beforeId !== null) where.id = { lt: BigInt(filter.beforeId) };
  const rows = await prisma.auditLog.findMany({ where, orderBy: { id: 'desc' }, take: filter.limit + 1 });
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}
