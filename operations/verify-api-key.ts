import { timingSafeEqual } from 'node:crypto';
import { type ApiKeyActor, isApiScope } from '../domain/access.js';
import { keyedHash } from '../infra/ids.js';
import type { Queryable } from '../infra/postgres.js';

const API_KEY = /^ak_([0-9a-z]{16})\.[A-Za-z0-9_-]{43}$/;

/** The parts of `ak_<id>.<secret>`; null for anything else, without a look at any store. */
export function parseApiKey(key: string): { keyId: string } | null {
  const id = API_KEY.exec(key)?.[1];
  return id === undefined ? null : { keyId: `key_${id}` };
}

export interface ApiKeyRow {
  readonly keyId: string;
  readonly keyHash: string;
  readonly scopes: readonly string[];
}

/** The keys among these ids that are not revoked. */
export async function readLiveApiKeys(db: Queryable, keyIds: readonly string[]): Promise<ApiKeyRow[]> {
  const { rows } = await db.query<ApiKeyRow>(
    `SELECT id AS "keyId", key_hash AS "keyHash", scopes FROM api_key
      WHERE id = ANY ($1) AND revoked_at IS NULL`,
    [keyIds],
  );
  return rows;
}

/** Who holds this key; null when it is malformed, unknown or revoked. Throws when PostgreSQL is away. */
export async function verifyApiKey(db: Queryable, hashKey: string, key: string): Promise<ApiKeyActor | null> {
  const parsed = parseApiKey(key);
  if (parsed === null) return null;
  const [row] = await readLiveApiKeys(db, [parsed.keyId]);
  if (row === undefined || !sameHash(row.keyHash, keyedHash(hashKey, 'api-key', key))) return null;
  return toApiKeyActor(row);
}

export function toApiKeyActor(row: ApiKeyRow): ApiKeyActor {
  return { kind: 'api-key', keyId: row.keyId, scopes: row.scopes.filter(isApiScope) };
}

function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
