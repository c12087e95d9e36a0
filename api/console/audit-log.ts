import { z } from 'zod';
import { auditEntrySchema } from '../../contracts/http/console-identity.js';
import { listAuditLog } from '../../operations/list-audit-log.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

const cursorSchema = z.tuple([z.number().int().positive()]);
const filterText = z.string().min(1).max(100).optional();

export function auditLogRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/audit-log',
      summary: 'What admins, finance and the system did, the newest first.',
      tags: ['Audit'],
      access: { roles: ['admin'] },
      query: pageQuerySchema.extend({ objectType: filterText, objectId: filterText, actorId: filterText }),
      responses: { 200: { description: 'Entries.', schema: pageSchema(auditEntrySchema) } },
      handler: async ({ query }) => {
        const cursor = decodeCursor(query.cursor, cursorSchema);
        if (!cursor.ok) return cursor;
        const rows = await listAuditLog(deps.prisma, { ...query, beforeId: cursor.value?.[0] ?? null });
        const toItem = (row: (typeof rows)[number]) => ({
          ...row,
          at: row.at.toISOString(),
          detail: z.record(z.string(), z.unknown()).parse(row.detail),
        });
        return { status: 200, body: toPage(rows, query.limit, toItem, (row) => [row.id]) };
      },
    }),
  ];
}
