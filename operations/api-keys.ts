import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';
import { type ApiScope, isApiScope } from '../domain/access.js';
import { err, invariant, ok, type Result } from '../domain/result.js';
import { keyedHash, newId } from '../infra/ids.js';
import type { PrismaClient } from '../infra/prisma.js';
import { type AuditEntry, recordAudit } from './record-audit.js';
import { parseApiKey } from './verify-api-key.js';

export interface ApiKeyDeps {
  readonly prisma: PrismaClient;
  readonly redis: Redis;
  /** Key of the one-way hash of API keys. */
  readonly hashKey: string;
  readonly log: Logger;
}

type By = Pick<AuditEntry, 'actorId' | 'actorRole' | 'via'>;

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** A key that is known already (the demo shop's); a random one otherwise. */
  readonly key?: string;
}

export interface ApiKeyView {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** Makes a key, `ak_<id>.<secret>`; the answer is the only place where it ever stands in clear. */
export async function createApiKey(
  deps: Pick<ApiKeyDeps, 'prisma' | 'hashKey'>,
  input: NewApiKey,
  by: By,
): Promise<ApiKeyView & { readonly key: string }> {
  const key = input.key ?? `ak_${newId('key').slice(4)}.${randomBytes(32).toString('base64url')}`;
  const parsed = parseApiKey(key);
  invariant(parsed !== null, 'not of the form ak_<id>.<secret>');
  const row = await deps.prisma.$transaction(async (tx) => {
    const created = await tx.apiKey.create({
      data: {
        id: parsed.keyId,
        name: input.name,
        keyHash: keyedHash(deps.hashKey, 'api-key', key),
        scopes: [...input.scopes],
        createdBy: by.actorId,
      },
    });
    await recordAudit(tx, {
      ...by,
      action: 'api_key.created',
      objectType: 'api_key',
      objectId: created.id,
      detail: { name: input.name, scopes: [...input.scopes] },
    });
    return created;
  });
  return { ...toView(row), key };
}

export async function listApiKeys(prisma: Pick<PrismaClient, 'apiKey'>): Promise<ApiKeyView[]> {
  const rows = await prisma.apiKey.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
  return rows.map(toView);
}

/**
 * Ends a key: in PostgreSQL at once, in the ad servers' memories as soon as they hear of it (and within their
 * refresh time when Redis is away). Revoking twice tells the ad servers again. Error: `not_found`.
 */
export async function revokeApiKey(deps: ApiKeyDeps, keyId: string, by: By): Promise<Result<ApiKeyView>> {
  const row = await deps.prisma.$transaction(async (tx) => {
    const { count } = await tx.apiKey.updateMany({
      where: { id: keyId, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (count === 1) {
      await recordAudit(tx, { ...by, action: 'api_key.revoked', objectType: 'api_key', objectId: keyId });
    }
    return tx.apiKey.findUnique({ where: { id: keyId } });
  });
  if (row === null) return err({ code: 'not_found', message: 'There is no such API key.' });
  await tellAdServers(deps, keyId);
  return ok(toView(row));
}

/** The revocation stands whether or not this is heard: an ad server that missed it drops the key at its next refresh. */
async function tellAdServers({ redis, log }: ApiKeyDeps, keyId: string): Promise<void> {
  try {
    await redis.publish(REDIS_CHANNELS.apiKeyRevoked, keyId);
  } catch (error) {
    log.warn({ err: error, keyId }, 'the ad servers could not be told of a revoked API key');
  }
}

function toView(row: Omit<ApiKeyView, 'scopes'> & { scopes: string[] }): ApiKeyView {
  const { id, name, createdBy, createdAt, revokedAt } = row;
  return { id, name, createdBy, createdAt, revokedAt, scopes: row.scopes.filter(isApiScope) };
}
