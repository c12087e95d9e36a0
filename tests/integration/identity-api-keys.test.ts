import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../infra/config.js';
import type { Queryable } from '../../infra/postgres.js';
import { createRedis } from '../../infra/redis.js';
import { ApiKeyCache } from '../../operations/api-key-cache.js';
import { revokeApiKey } from '../../operations/api-keys.js';
import { poll, STALL_MS } from '../support/poll.js';
import { type IdentityConsole, startIdentityConsole } from './identity-console.js';

let consoleApi: IdentityConsole;
let admin: string;
let subscriber: Redis;
const caches: ApiKeyCache[] = [];

beforeAll(async () => {
  consoleApi = await startIdentityConsole();
  admin = await consoleApi.signIn('admin');
});
beforeEach(() => {
  subscriber = createRedis(loadConfig().REDIS_URL, consoleApi.deps.log);
  return async () => {
    for (const cache of caches.splice(0)) await cache.stop();
    subscriber.disconnect();
  };
});
afterAll(() => consoleApi.close());

async function createKey(): Promise<{ id: string; key: string }> {
  const body = { name: 'shop', scopes: ['ads:read', 'clicks:write'] };
  const answer = await consoleApi.call('/v1/api-keys', { method: 'POST', token: admin, body });
  expect(answer.status).toBe(201);
  return { id: String(answer.body.id), key: String(answer.body.key) };
}

const revoke = (id: string) => consoleApi.call(`/v1/api-keys/${id}`, { method: 'DELETE', token: admin });

function startCache(db: Queryable, refreshMs = 3_600_000): ApiKeyCache {
  const { config, log } = consoleApi.deps;
  const cache = new ApiKeyCache({ db, subscriber, hashKey: config.HASH_KEY, log, refreshMs });
  cache.start();
  caches.push(cache);
  return cache;
}

/** Counts what the cache asks of PostgreSQL, and can be away. */
function watched(db: Queryable) {
  const state = { queries: 0, away: false };
  const query = async (text: string, values: unknown[]) => {
    state.queries += 1;
    if (state.away) throw new Error('connection refused');
    return db.query(text, values);
  };
  return { state, db: { query } as unknown as Queryable };
}

const isSubscribed = async () => {
  const [, count] = (await consoleApi.redis.call('PUBSUB', 'NUMSUB', 'api-key-revoked')) as [string, number];
  return count > 0;
};

describe('API keys', () => {
  test('a key is shown once and stored only as a hash', async () => {
    const { id, key } = await createKey();
    expect(key).toMatch(/^ak_[0-9a-z]{16}\.[\w-]{43}$/);
    const list = await consoleApi.call('/v1/api-keys', { token: admin });
    expect(JSON.stringify(list.body)).toContain(id);
    const { rows } = await consoleApi.owner.query('SELECT * FROM api_key');
    for (const text of [JSON.stringify(list.body), JSON.stringify(rows)]) {
      expect(text).not.toContain(key.split('.')[1]);
    }
  });

  test('a revocation ends the key at the console at once, is told once in the audit log, and may be repeated', async () => {
    const { id, key } = await createKey();
    expect((await consoleApi.call('/v1/me', { token: key })).status).toBe(403);
    expect((await revoke(id)).status).toBe(200);
    expect((await revoke(id)).status).toBe(200);
    expect((await consoleApi.call('/v1/me', { token: key })).status).toBe(401);
    const audit = await consoleApi.call(`/v1/audit-log?objectId=${id}`, { token: admin });
    expect(audit.body.items).toMatchObject([
      { action: 'api_key.revoked', actorId: 'usr_admin', actorRole: 'admin', via: 'console' },
      { action: 'api_key.created', detail: { name: 'shop', scopes: ['ads:read', 'clicks:write'] } },
    ]);
  });

  test('a revocation that Redis cannot tell is done all the same', async () => {
    const { id, key } = await createKey();
    const { prisma, config, log } = consoleApi.deps;
    const away = createRedis('redis://127.0.0.1:1', log, { failFast: true });
    const by = { actorId: 'usr_admin', actorRole: 'admin', via: 'console' } as const;
    const revoked = await revokeApiKey({ prisma, log, redis: away, hashKey: config.HASH_KEY }, id, by);
    away.disconnect();
    expect(revoked).toMatchObject({ ok: true, value: { id } });
    expect((await consoleApi.call('/v1/me', { token: key })).status).toBe(401);
  });

  test('an unknown key cannot be revoked', async () => {
    expect((await revoke('key_none')).status).toBe(404);
  });
});

describe('keys in the memory of an ad server', () => {
  test('a known key costs no query; a revocation is heard within a second', async () => {
    const { id, key } = await createKey();
    const { state, db } = watched(consoleApi.deps.pool);
    const cache = startCache(db);
    await poll('the cache listens', isSubscribed);
    const first = await cache.verify(key);
    expect(first).toMatchObject({ ok: true, value: { keyId: id, scopes: ['ads:read', 'clicks:write'] } });
    for (let i = 0; i < 100; i += 1) await cache.verify(key);
    expect(state.queries).toBe(1);
    await revoke(id);
    const gone = async () => {
      const answer = await cache.verify(key);
      return answer.ok && answer.value === null;
    };
    await poll('the revoked key is refused', gone, 1_000 + STALL_MS);
  });

  test('a right id with a wrong secret is nobody, also when the right key is known', async () => {
    const { key } = await createKey();
    const cache = startCache(consoleApi.deps.pool);
    const forged = `${key.split('.')[0]}.${'A'.repeat(43)}`;
    expect(await cache.verify(forged)).toEqual({ ok: true, value: null });
    expect(await cache.verify(key)).toMatchObject({ ok: true, value: { kind: 'api-key' } });
    expect(await cache.verify(forged)).toEqual({ ok: true, value: null });
  });

  test('a malformed key costs no query, an unknown one only its first', async () => {
    const { state, db } = watched(consoleApi.deps.pool);
    const cache = startCache(db);
    expect(await cache.verify('ak_short.x')).toEqual({ ok: true, value: null });
    expect(state.queries).toBe(0);
    const unknown = `ak_${'z'.repeat(16)}.${'A'.repeat(43)}`;
    for (let i = 0; i < 10; i += 1) expect(await cache.verify(unknown)).toEqual({ ok: true, value: null });
    expect(state.queries).toBe(1);
  });

  test('without PostgreSQL known keys go on, unknown ones are told to come back', async () => {
    const { key } = await createKey();
    const other = await createKey();
    const { state, db } = watched(consoleApi.deps.pool);
    const cache = startCache(db, 20);
    expect(await cache.verify(key)).toMatchObject({ ok: true });
    state.away = true;
    const queriesBefore = state.queries;
    await poll('a refresh has failed', async () => state.queries > queriesBefore);
    expect(await cache.verify(key)).toMatchObject({ ok: true, value: { kind: 'api-key' } });
    expect(await cache.verify(other.key)).toMatchObject({
      ok: false,
      error: { code: 'dependency_unavailable' },
    });
  });

  test('a lost message costs no more than one refresh', async () => {
    const { id, key } = await createKey();
    const cache = startCache(consoleApi.deps.pool, 50);
    expect(await cache.verify(key)).toMatchObject({ ok: true, value: { keyId: id } });
    await consoleApi.owner.query('UPDATE api_key SET revoked_at = now() WHERE id = $1', [id]);
    await poll(
      'the refresh drops the key',
      async () => {
        const answer = await cache.verify(key);
        return answer.ok && answer.value === null;
      },
      2_000,
    );
  });
});

describe('the audit log', () => {
  test.each(['UPDATE audit_log SET actor_id = $$me$$', 'DELETE FROM audit_log', 'TRUNCATE audit_log'])(
    '%s is refused, for the application and for the owner',
    async (sql) => {
      await createKey();
      await expect(consoleApi.owner.query(sql)).rejects.toThrow('append-only');
      await expect(consoleApi.deps.pool.query(sql)).rejects.toThrow(/append-only|permission denied/);
    },
  );

  test('pages hang together: every entry once, the newest first', async () => {
    for (let i = 0; i < 5; i += 1) await createKey();
    const seen: number[] = [];
    let cursor: unknown = null;
    do {
      const next = cursor === null ? '' : `&cursor=${String(cursor)}`;
      const { body } = await consoleApi.call(`/v1/audit-log?limit=2${next}`, { token: admin });
      seen.push(...(body.items as { id: number }[]).map((item) => item.id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    const { rows } = await consoleApi.owner.query<{ id: number }>(
      'SELECT id FROM audit_log ORDER BY id DESC',
    );
    expect(seen).toEqual(rows.map((row) => row.id));
    const bad = await consoleApi.call('/v1/audit-log?cursor=nonsense', { token: admin });
    expect([bad.status, bad.body.code]).toEqual([400, 'invalid_cursor']);
  });
});
