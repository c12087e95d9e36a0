import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { createConsoleApp } from '../../api/console/app.js';
import { listen } from '../../api/kit/server.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { createMetrics } from '../../infra/metrics.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient, type TemporalClient } from '../../infra/temporal.js';
import { createUser } from '../../operations/create-user.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import type { RunningProcess } from '../../processes/process.js';
import { startTemporalWorker } from '../../processes/temporal-worker.js';
import { createTestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { createTemporalNamespace } from '../support/temporal-namespace.js';

const PASSWORD = 'correct horse battery staple';

export interface TopUpBody {
  readonly id: string;
  readonly status: string;
  readonly amountKrw: number;
  readonly code: string;
  readonly failure: { readonly code: string } | null;
  readonly checkout: { readonly orderId: string; readonly amountKrw: number } | null;
  readonly virtualAccount: { readonly accountNumber: string; readonly bankName: string } | null;
}

export interface Answer<T = TopUpBody> {
  readonly status: number;
  readonly body: T;
}

export interface Person {
  call<T = TopUpBody>(method: string, path: string, body?: unknown, key?: string): Promise<Answer<T>>;
}

/** Real console, worker, Temporal, PostgreSQL and sandbox; each test makes sellers of its own. */
export interface TopUpWorld {
  readonly url: string;
  readonly config: Config;
  readonly pool: DatabasePool;
  readonly sandbox: TestSandbox;
  readonly temporal: TemporalClient;
  readonly finance: Person;
  /** An active company with one person. */
  seller(status?: string): Promise<{ advertiserId: string; person: Person }>;
  walletOf(advertiserId: string): Promise<{ cashKrw: number; owedKrw: number }>;
  notices(advertiserId: string): Promise<string[]>;
  readonly worker: { stop(): Promise<void>; start(): Promise<void> };
  close(): Promise<void>;
}

export async function startTopUpWorld(): Promise<TopUpWorld> {
  const database = await createTestDatabase();
  const sandbox = await startSandbox();
  const unique = randomBytes(4).toString('hex');
  const config: Config = {
    ...loadConfig(),
    ...sandbox.config,
    DATABASE_URL: database.appUrl,
    TOPIC_PREFIX: `top-ups-${unique}-`,
    TEMPORAL_NAMESPACE: `top-ups-${unique}`,
    SHUTDOWN_TIMEOUT_MS: 5_000,
  };
  const deleteNamespace = await createTemporalNamespace(config);
  const log = pino({ level: 'error' });
  const context = { config, log, metrics: createMetrics({ defaultMetrics: false }) };
  const workers: RunningProcess[] = [];
  const start = async () => {
    const worker = await startTemporalWorker(context);
    workers.push(worker);
    await poll('the worker is ready', async () => (await worker.ready()).ok, 30_000);
  };
  const stop = async () => workers.pop()?.stop();
  await start();
  const pool = database.appPool;
  const prisma = createPrisma(pool);
  const redis = createRedis(config.REDIS_URL, log);
  const temporal = createTemporalClient(config);
  const now = () => Date.now();
  const app = createConsoleApp(
    { ...context, pool, prisma, redis, temporal, now, businessNow: now },
    { otherRouteDocs: [] },
  );
  const server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 2_000 });
  const { useConsole: sendWebhooksTo } = sandbox;
  sendWebhooksTo(server.url);
  const person = async (name: string, role: 'advertiser' | 'finance', advertiserId: string | null) => {
    const email = `${name}@example.com`;
    const user = await createUser(prisma, {
      email,
      password: PASSWORD,
      displayName: name,
      role,
      advertiserId,
    });
    if (!user.ok) throw new Error(user.error.message);
    return signedIn(server.url, email);
  };
  return {
    url: server.url,
    config,
    pool,
    sandbox,
    temporal,
    finance: await person(`finance-${unique}`, 'finance', null),
    seller: async (status = 'active') => {
      const name = randomBytes(5).toString('hex');
      const advertiserId = `adv_${name}`;
      await registerAdvertiser(pool, { advertiserId, name: '주식회사 테스트', businessNumber: name });
      await pool.query('UPDATE advertiser SET status = $2 WHERE id = $1', [advertiserId, status]);
      return { advertiserId, person: await person(`seller-${name}`, 'advertiser', advertiserId) };
    },
    walletOf: async (advertiserId) => {
      const { rows } = await pool.query<{ cashKrw: number; owedKrw: number }>(
        `SELECT cash_krw AS "cashKrw", coalesce((SELECT owed_krw FROM advertiser_receivable r
           WHERE r.advertiser_id = b.advertiser_id), 0)::bigint AS "owedKrw"
         FROM advertiser_balance b WHERE advertiser_id = $1`,
        [advertiserId],
      );
      return rows[0] ?? { cashKrw: -1, owedKrw: -1 };
    },
    notices: async (advertiserId) => {
      const { rows } = await pool.query<{ template: string }>(
        'SELECT template FROM notification WHERE advertiser_id = $1 ORDER BY created_at, template',
        [advertiserId],
      );
      return rows.map((row) => row.template);
    },
    worker: { start, stop: async () => void (await stop()) },
    close: async () => {
      await stop();
      await server.close();
      await temporal.close();
      await deleteNamespace();
      redis.disconnect();
      await sandbox.stop();
      await database.drop();
    },
  };
}

async function signedIn(url: string, email: string): Promise<Person> {
  const session = await send<{ token: string }>(
    url,
    'POST',
    '/v1/sessions',
    {},
    { email, password: PASSWORD },
  );
  const headers = { authorization: `Bearer ${session.body.token}` };
  return {
    call: (method, path, body, key = randomUUID()) =>
      send(url, method, path, { ...headers, 'idempotency-key': key }, body),
  };
}

async function send<T>(
  url: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Answer<T>> {
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}
