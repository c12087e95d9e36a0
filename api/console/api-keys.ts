import { z } from 'zod';
import { apiKeySchema, createdApiKeySchema, newApiKeySchema } from '../../contracts/http/console-identity.js';
import { type ApiKeyView, createApiKey, listApiKeys, revokeApiKey } from '../../operations/api-keys.js';
import { auditActor } from '../../operations/record-audit.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['API keys'];

export function apiKeyRoutes(deps: ConsoleDeps): RouteDefinition[] {
  const { prisma, redis, log } = deps;
  const keyDeps = { prisma, redis, log, hashKey: deps.config.HASH_KEY };
  return [
    defineRoute({
      method: 'post',
      path: '/v1/api-keys',
      summary: 'Make an API key for a machine; it is shown this once.',
      tags,
      access: { roles: ['admin'] },
      body: newApiKeySchema,
      responses: { 201: { description: 'Made.', schema: createdApiKeySchema } },
      handler: async ({ body, actor }) => {
        const created = await createApiKey(keyDeps, body, { ...auditActor(actor), via: 'console' });
        return { status: 201, body: { ...toBody(created), key: created.key } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/api-keys',
      summary: 'All API keys, the newest first, the revoked ones too.',
      tags,
      access: { roles: ['admin'] },
      responses: { 200: { description: 'Keys.', schema: z.object({ items: z.array(apiKeySchema) }) } },
      handler: async () => {
        const keys = await listApiKeys(deps.prisma);
        return { status: 200, body: { items: keys.map(toBody) } };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/api-keys/{id}',
      summary: 'Revoke an API key; ad servers drop it at once.',
      tags,
      access: { roles: ['admin'] },
      params: z.object({ id: z.string().min(1).max(64) }),
      responses: { 200: { description: 'Revoked.', schema: apiKeySchema } },
      handler: async ({ params, actor }) => {
        const revoked = await revokeApiKey(keyDeps, params.id, { ...auditActor(actor), via: 'console' });
        return revoked.ok ? { status: 200, body: toBody(revoked.value) } : revoked;
      },
    }),
  ];
}

function toBody(key: ApiKeyView) {
  return {
    id: key.id,
    name: key.name,
    scopes: [...key.scopes],
    createdBy: key.createdBy,
    createdAt: key.createdAt.toISOString(),
    revokedAt: key.revokedAt?.toISOString() ?? null,
  };
}
