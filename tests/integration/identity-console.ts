import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { consoleRoutes, createConsoleApp } from '../../api/console/app.js';
import type { ConsoleDeps } from '../../api/console/deps.js';
import type { RouteDefinition } from '../../api/kit/route.js';
import { listen } from '../../api/kit/server.js';
import { loadConfig } from '../../infra/config.js';
import { createMetrics } from '../../infra/metrics.js';
import { type DatabasePool, openPool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient } from '../../infra/temporal.js';
import { createUser, type NewUser } from '../../operations/create-user.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { createTestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';

/** Two companies and one person of each kind, on a database of their own behind a real console API. */
export const PASSWORD = 'a-long-enough-password';
export const PEOPLE = {
  advertiser: person('usr_seller', 'seller@ads.test', 'advertiser', 'adv_own'),
  otherAdvertiser: person('usr_rival', 'rival@ads.test', 'advertiser', 'adv_rival'),
  admin: person('usr_admin', 'admin@ads.test', 'admin', null),
  finance: person('usr_finance', 'finance@ads.test', 'finance', null),
} as const satisfies Record<string, NewUser>;
export type PersonName = keyof typeof PEOPLE;

function person(userId: string, email: string, role: NewUser['role'], advertiserId: string | null): NewUser {
  return { userId, email, role, advertiserId, displayName: userId, password: PASSWORD };
}

export interface CallOptions {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [field: string]: unknown };
}

export interface IdentityConsole {
  readonly url: string;
  readonly deps: ConsoleDeps;
  readonly routes: readonly RouteDefinition[];
  readonly redis: Redis;
  readonly owner: DatabasePool;
  call(path: string, options?: CallOptions): Promise<Answer>;
  signIn(name: PersonName): Promise<string>;
  close(): Promise<void>;
}

export async function startIdentityConsole(): Promise<IdentityConsole> {
  const config = loadConfig();
  const database = await createTestDatabase();
  const log = pino({ level: 'silent' });
  const pool = openPool({ connectionString: database.appUrl, max: 5 });
  const redis = createRedis(config.REDIS_URL, log);
  const temporal = createTemporalClient(config);
  const deps: ConsoleDeps = {
    config: { ...config, HASH_KEY: randomBytes(16).toString('hex') },
    pool,
    prisma: createPrisma(pool),
    redis,
    temporal,
    log,
    metrics: createMetrics({ defaultMetrics: false }),
    now: () => Date.now(),
    businessNow: () => Date.now(),
  };
  await seedPeople(deps);
  const app = createConsoleApp(deps, { otherRouteDocs: [] });
  const server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 2_000 });
  const call = (path: string, options: CallOptions = {}) => send(`${server.url}${path}`, options);
  return {
    url: server.url,
    deps,
    routes: consoleRoutes(deps),
    redis,
    owner: database.ownerPool,
    call,
    signIn: async (name) => {
      const { email, password } = PEOPLE[name];
      const { body } = await call('/v1/sessions', { method: 'POST', body: { email, password } });
      return String(body.token);
    },
    close: async () => {
      await server.close();
      await temporal.close();
      redis.disconnect();
      await deps.prisma.$disconnect();
      await pool.end();
      await disconnected(database.ownerPool);
      await database.drop();
    },
  };
}

/** The owner may not end connections of the application's role: they must be gone before the database goes. */
async function disconnected(owner: DatabasePool): Promise<void> {
  await poll('the application has left the database', async () => {
    const { rowCount } = await owner.query(
      'SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user',
    );
    return rowCount === 0;
  });
}

async function seedPeople({ pool, prisma }: ConsoleDeps): Promise<void> {
  await registerAdvertiser(pool, { advertiserId: 'adv_own', name: 'Own', businessNumber: '1108100001' });
  await registerAdvertiser(pool, { advertiserId: 'adv_rival', name: 'Rival', businessNumber: '1108100002' });
  for (const one of Object.values(PEOPLE)) {
    const created = await createUser(prisma, one);
    if (!created.ok) throw new Error(created.error.message);
  }
}

async function send(url: string, { method, token, body, headers }: CallOptions): Promise<Answer> {
  const response = await fetch(url, {
    method: method ?? 'GET',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : { text } };
}
