import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { consoleRoutes, createConsoleApp } from '../../api/console/app.js';
import type { RouteDefinition } from '../../api/kit/route.js';
import { listen } from '../../api/kit/server.js';
import { startNotificationSender } from '../../consumers/notification-sender.js';
import type { Role } from '../../domain/access.js';
import { businessNumberCheckDigit } from '../../domain/business-number.js';
import { createAlimtalkSender } from '../../infra/alimtalk.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { createMailer } from '../../infra/mailer.js';
import { createMetrics, type Metrics } from '../../infra/metrics.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient, type TemporalClient } from '../../infra/temporal.js';
import { createUser } from '../../operations/create-user.js';
import { startTemporalWorker } from '../../processes/temporal-worker.js';
import { createTestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { createTemporalNamespace } from '../support/temporal-namespace.js';

export const PASSWORD = 'correct horse battery staple';
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n');
export const PNG = Buffer.concat([
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  Buffer.alloc(64),
]);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, each looked into by its test.
  readonly body: any;
}
export interface Person {
  readonly userId: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, contentType: string, bytes: Buffer): Promise<Answer>;
}
export interface Applicant extends Person {
  readonly advertiserId: string;
  readonly path: string;
  readonly form: Readonly<Record<string, unknown>>;
  upload(): Promise<void>;
  submit(): Promise<Answer>;
  /** Asks until the application is in this state. */
  reach(status: string): Promise<Answer['body']>;
  notices(): Promise<string[]>;
}

export interface OnboardingWorld {
  readonly pool: DatabasePool;
  readonly owner: DatabasePool;
  readonly sandbox: TestSandbox;
  readonly temporal: TemporalClient;
  readonly routes: readonly RouteDefinition[];
  readonly metrics: Metrics;
  readonly admin: Person;
  readonly otherAdmin: Person;
  readonly finance: Person;
  readonly nobody: Person;
  form(change?: Record<string, unknown>): Record<string, unknown>;
  /** Signs up over HTTP and signs in. */
  applicant(change?: Record<string, unknown>): Promise<Applicant>;
  startSender(now: () => number): { stop(): Promise<void> };
  close(): Promise<void>;
}

export function businessNumber(): string {
  const firstNine = `1${String(randomInt(10 ** 8)).padStart(8, '0')}`;
  return `${firstNine}${businessNumberCheckDigit(firstNine)}`;
}

export async function startOnboardingWorld(): Promise<OnboardingWorld> {
  const database = await createTestDatabase();
  const sandbox = await startSandbox();
  const unique = randomBytes(4).toString('hex');
  const config: Config = {
    ...loadConfig(),
    ...sandbox.config,
    DATABASE_URL: database.appUrl,
    HASH_KEY: randomBytes(16).toString('hex'),
    TOPIC_PREFIX: `onboarding-${unique}-`,
    TEMPORAL_NAMESPACE: `onboarding-${unique}`,
    SHUTDOWN_TIMEOUT_MS: 5_000,
    TRUSTED_PROXIES: '1',
  };
  const deleteNamespace = await createTemporalNamespace(config);
  const log = pino({ level: 'error' });
  const metrics = createMetrics({ defaultMetrics: false });
  const worker = await startTemporalWorker({ config, log, metrics });
  await poll('the worker is ready', async () => (await worker.ready()).ok, 30_000);
  const pool = database.appPool;
  const prisma = createPrisma(pool);
  const redis = createRedis(config.REDIS_URL, log);
  const temporal = createTemporalClient(config);
  const deps = {
    config,
    log,
    metrics,
    pool,
    prisma,
    redis,
    temporal,
    now: () => Date.now(),
    businessNow: () => Date.now(),
  };
  const app = createConsoleApp(deps, { otherRouteDocs: [] });
  const server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 2_000 });
  const { url } = server;
  const staff = async (name: string, role: Role) => {
    const email = `${name}-${unique}@example.com`;
    const user = await createUser(prisma, {
      email,
      password: PASSWORD,
      displayName: name,
      role,
      advertiserId: null,
    });
    if (!user.ok) throw new Error(user.error.message);
    return signedIn(url, email);
  };
  const form = (change: Record<string, unknown> = {}) => ({
    companyName: '한빛상점',
    businessNumber: businessNumber(),
    representative: '김한빛',
    openingDate: '20200315',
    address: '서울특별시 중구 세종대로 110',
    businessType: '도소매업',
    businessItem: '전자상거래',
    contactEmail: `seller-${randomBytes(5).toString('hex')}@example.com`,
    contactPhone: '010-1234-5678',
    password: PASSWORD,
    contractAccepted: true,
    ...change,
  });
  return {
    pool,
    owner: database.ownerPool,
    sandbox,
    temporal,
    routes: consoleRoutes(deps),
    metrics,
    admin: await staff('admin', 'admin'),
    otherAdmin: await staff('other-admin', 'admin'),
    finance: await staff('finance', 'finance'),
    nobody: personOf(url, {}, ''),
    form,
    applicant: (change) => applicant(url, pool, form(change)),
    startSender: (now) => {
      const mailer = createMailer(config);
      const alimtalk = createAlimtalkSender(config);
      const sender = startNotificationSender({
        pool,
        mailer,
        alimtalk,
        now,
        log: pino({ level: 'silent' }),
        metrics,
      });
      return {
        stop: async () => {
          await sender.stop();
          mailer.close();
        },
      };
    },
    close: async () => {
      await worker.stop();
      await server.close();
      await temporal.close();
      await deleteNamespace();
      redis.disconnect();
      await sandbox.stop();
      await database.drop();
    },
  };
}

/** Sign-ups are counted by address: each comes from its own. */
export const anAddress = () => ({
  'x-forwarded-for': [10, randomInt(256), randomInt(256), randomInt(256)].join('.'),
});

async function applicant(url: string, pool: DatabasePool, form: Record<string, unknown>): Promise<Applicant> {
  const made = await personOf(url, {}, '').call('POST', '/v1/advertiser-applications', form, anAddress());
  if (made.status !== 201) throw new Error(`sign-up: ${made.status} ${JSON.stringify(made.body)}`);
  const advertiserId = String(made.body.id);
  const path = `/v1/advertiser-applications/${advertiserId}`;
  const person = await signedIn(url, String(form.contactEmail));
  return {
    ...person,
    advertiserId,
    path,
    form,
    upload: async () => {
      for (const kind of ['business_registration', 'contract']) {
        const sent = await person.send('PUT', `${path}/documents/${kind}`, 'application/pdf', PDF);
        if (sent.status !== 200) throw new Error(`upload: ${sent.status} ${JSON.stringify(sent.body)}`);
      }
    },
    submit: () => person.call('POST', `${path}/submission`),
    reach: (status) =>
      poll(
        `the application is ${status}`,
        async () => {
          const { body } = await person.call('GET', path);
          return body.status === status && body;
        },
        20_000,
        100,
      ),
    notices: async () => {
      const { rows } = await pool.query<{ template: string }>(
        'SELECT template FROM notification WHERE advertiser_id = $1 ORDER BY created_at, template',
        [advertiserId],
      );
      return rows.map((row) => row.template);
    },
  };
}

async function signedIn(url: string, email: string): Promise<Person> {
  const session = await personOf(url, {}, '').call('POST', '/v1/sessions', { email, password: PASSWORD });
  if (session.status !== 201) throw new Error(`sign-in: ${session.status} ${JSON.stringify(session.body)}`);
  return personOf(url, { authorization: `Bearer ${session.body.token}` }, session.body.user.userId);
}

function personOf(url: string, own: Record<string, string>, userId: string): Person {
  const ask = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Buffer,
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: { 'idempotency-key': randomUUID(), ...own, ...headers },
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(bytes.toString()) : bytes,
    };
  };
  return {
    userId,
    call: (method, path, body, headers = {}) =>
      body === undefined
        ? ask(method, path, headers)
        : ask(method, path, { 'content-type': 'application/json', ...headers }, JSON.stringify(body)),
    send: (method, path, contentType, bytes) => ask(method, path, { 'content-type': contentType }, bytes),
  };
}
