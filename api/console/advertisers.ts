import { z } from 'zod';
import { ADVERTISER_STATUSES, advertiserSchema } from '../../contracts/http/console-advertisers.js';
import { notFound, ROLES, requireOwnership, type UserActor } from '../../domain/access.js';
import { err, ok, type Result } from '../../domain/result.js';
import { listAdvertisers } from '../../operations/list-advertisers.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

export const advertiserParamsSchema = z.object({ id: z.string().min(1).max(64) });

/** The advertiser of the path when it exists and this person may see it; the same 404 otherwise. */
export async function findOwnAdvertiser(deps: Pick<ConsoleDeps, 'prisma'>, actor: UserActor, id: string) {
  const advertiser = await deps.prisma.advertiser.findUnique({ where: { id } });
  return requireOwnership(actor, advertiser, (row) => row.id, 'advertiser');
}

/** Which advertiser a list is about: an advertiser's own, always; whoever is named, for admin and finance. */
export function ownAdvertiserId(actor: UserActor, asked: string | undefined): Result<string | null> {
  if (actor.role !== 'advertiser') return ok(asked ?? null);
  if (asked !== undefined && asked !== actor.advertiserId) return err(notFound('advertiser'));
  return ok(actor.advertiserId);
}

export function advertiserRoutes(deps: ConsoleDeps): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/advertisers',
      summary: 'All advertisers.',
      tags: ['Advertisers'],
      access: { roles: ['admin', 'finance'] },
      query: pageQuerySchema.extend({
        status: z.enum(ADVERTISER_STATUSES).optional(),
        search: z
          .string()
          .trim()
          .min(1)
          .max(100)
          .optional()
          .describe('Part of the name, or a business number.'),
      }),
      responses: { 200: { description: 'Advertisers by id.', schema: pageSchema(advertiserSchema) } },
      handler: async ({ query }) => {
        const cursor = decodeCursor(query.cursor, z.tuple([z.string()]));
        if (!cursor.ok) return cursor;
        const rows = await listAdvertisers(deps.prisma, { ...query, afterId: cursor.value?.[0] ?? null });
        return { status: 200, body: toPage(rows, query.limit, toBody, (row) => [row.id]) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/advertisers/{id}',
      summary: 'One advertiser; for advertisers, their own.',
      tags: ['Advertisers'],
      access: { roles: [...ROLES], applicants: true },
      params: advertiserParamsSchema,
      responses: { 200: { description: 'The advertiser.', schema: advertiserSchema } },
      handler: async ({ params, actor }) => {
        const advertiser = await findOwnAdvertiser(deps, actor, params.id);
        return advertiser.ok ? { status: 200, body: toBody(advertiser.value) } : advertiser;
      },
    }),
  ];
}

function toBody(row: { id: string; name: string; businessNumber: string; status: string; createdAt: Date }) {
  return {
    id: row.id,
    name: row.name,
    businessNumber: row.businessNumber,
    status: z.enum(ADVERTISER_STATUSES).parse(row.status),
    createdAt: row.createdAt.toISOString(),
  };
}
