import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { DEMO } from '../contracts/demo.js';
import { isBusinessNumber } from '../domain/business-number.js';
import { clickTokenKeys, list, port, trustedProxies, webhookSecret } from './config-values.js';
import { DEMO_SECRETS, demoSecretNames } from './demo-secrets.js';

export { DEMO_SECRETS } from './demo-secrets.js';

/**
 * The only reader of the environment. Every variable is described here once; `.env.example` and
 * `docs/config.md` are generated from this schema. A variable `X` may instead be given as `X_FILE`, the path of
 * a file with the value (for secrets).
 */
export const configSchema = z.object({
  ADS_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('Production refuses demo secrets and the movable business clock.'),
  INSTANCE_NAME: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default(
      () =>
        `${hostname()
          .toLowerCase()
          .replace(/[^a-z0-9-]/g, '-')}-${process.pid}`,
    )
    .describe(
      'Unique name of this process instance; click outcomes are addressed to it. Default: host and process id.',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is logged.'),
  HOST: z.string().default('127.0.0.1').describe('Address that the HTTP servers listen on.'),
  AD_SERVER_PORT: port.default(18_000).describe('Ads and clicks, for the shop.'),
  AD_SERVER_REQUESTS_PER_SECOND: z.coerce
    .number()
    .int()
    .positive()
    .default(5_000)
    .describe(
      'Requests of one API key per scope and second on one ad server, bursts of twice as many; beyond it 429 with Retry-After.',
    ),
  CONSOLE_API_PORT: port.default(18_001).describe('Sellers, admins and finance.'),
  OPS_PORT: port.default(18_030).describe('/healthz, /readyz and /metrics of this operating-system process.'),
  TRUSTED_PROXIES: trustedProxies
    .default('')
    .describe(
      'Proxies in front of the console API whose X-Forwarded-For counts: addresses, CIDR ranges, loopback, or a number of hops. Empty: none.',
    ),
  SHUTDOWN_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(15_000)
    .describe('How long a process may drain before it is ended.'),
  DATABASE_URL: z
    .string()
    .default(DEMO_SECRETS.DATABASE_URL)
    .describe('PostgreSQL, as the application role (may not change money rows).'),
  DATABASE_OWNER_URL: z
    .string()
    .default(DEMO_SECRETS.DATABASE_OWNER_URL)
    .describe('PostgreSQL, as the owner of the schema: used by the migrate step and the partition job only.'),
  DATABASE_POOL_SIZE: z.coerce
    .number()
    .int()
    .positive()
    .default(10)
    .describe('Connections per operating-system process.'),
  REDIS_URL: z
    .string()
    .default('redis://127.0.0.1:18011')
    .describe('Rankings, stop lists, counters. All of it can be rebuilt.'),
  KAFKA_BROKERS: list.prefault('127.0.0.1:18012').describe('Comma-separated host:port.'),
  KAFKA_PARTITIONS: z.coerce
    .number()
    .int()
    .positive()
    .default(12)
    .describe('Partitions of each topic when it is created.'),
  KAFKA_REPLICATION_FACTOR: z.coerce
    .number()
    .int()
    .positive()
    .default(1)
    .describe(
      'Copies of each topic when it is created. Production refuses 1: a lost broker would lose money.',
    ),
  TOPIC_PREFIX: z
    .string()
    .default('')
    .describe('Before each topic and group name; for tests that share a broker.'),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:18018').describe('Temporal frontend, host:port.'),
  TEMPORAL_NAMESPACE: z.string().default('default').describe('Temporal namespace.'),
  FLINK_REST_URL: z.string().default('http://127.0.0.1:18014').describe('Flink JobManager.'),
  FLINK_SQL_GATEWAY_URL: z.string().default('http://127.0.0.1:18015').describe('Flink SQL gateway.'),
  FLINK_DATABASE_URL: z
    .string()
    .default(DEMO_SECRETS.FLINK_DATABASE_URL)
    .describe('PostgreSQL as Flink sees it: a role that writes what the statements find, and no money.'),
  FLINK_CHECKPOINT_DIR: z
    .string()
    .default('.stack/slot-0/flink/checkpoints')
    .describe('Folder (or URI) where Flink keeps checkpoints; the deployer restores from it.'),
  FLINK_REDIS_URL: z
    .string()
    .optional()
    .describe('Redis as Flink sees it, when that differs from REDIS_URL.'),
  FLINK_REDIS_CA_FILE: z
    .string()
    .optional()
    .describe(
      'Certificates (PEM) that Flink trusts for rediss://, a path on the TaskManagers; else those of Java.',
    ),
  FLINK_KAFKA_BROKERS: z
    .string()
    .optional()
    .describe('Kafka as Flink sees it, when that differs from KAFKA_BROKERS.'),
  FLINK_MATCH_WATERMARK_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(60)
    .describe(
      'Disorder between producers that the conversion match waits for; a conversion shows this much later.',
    ),
  FLINK_PARALLELISM: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_024)
    .default(1)
    .describe(
      'Parallel parts of each Flink statement, at most the partitions of a topic: a reader without a partition would hold event time still. Changed: the statements are stopped with a savepoint and go on from it.',
    ),
  CLOCK_TICK_AD_EVENTS_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(50)
    .describe('Pace of CLOCK_TICK on ad-events: the ranking follows its clock.'),
  CLOCK_TICK_CONVERSION_EVENTS_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(500)
    .describe('Pace of CLOCK_TICK on conversion-events.'),
  CLICK_TOKEN_KEYS: clickTokenKeys
    .default(DEMO_SECRETS.CLICK_TOKEN_KEYS)
    .describe(
      'Master keys of click and page tokens, comma-separated id:hex, at least 32 bytes each; the key of each day is derived from them. The first signs, all verify. A new one comes last until every server has it, then first; the old one goes 60 hours later.',
    ),
  HASH_KEY: z
    .string()
    .min(16)
    .default(DEMO_SECRETS.HASH_KEY)
    .describe('Key of the one-way hashes of device ids, addresses and API keys.'),
  CLICK_OUTCOME_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(200)
    .describe('How long a click waits for its outcome before 202 accepted.'),
  SESSION_HOURS: z.coerce.number().int().positive().default(12).describe('Life of a console session.'),
  CONSOLE_URL: z
    .url()
    .default('http://127.0.0.1:18001')
    .describe('The console as people and providers reach it: links in messages, webhooks.'),
  PAYMENT_PROVIDER_URL: z
    .url()
    .default('http://127.0.0.1:18040/payments')
    .describe('Payment provider (Toss Payments shape). Default: the sandbox.'),
  PAYMENT_SECRET_KEY: z.string().min(8).default(DEMO_SECRETS.PAYMENT_SECRET_KEY).describe('Its secret key.'),
  PAYMENT_WEBHOOK_SECRET: webhookSecret
    .default(DEMO_SECRETS.PAYMENT_WEBHOOK_SECRET)
    .describe('Signs the webhooks of the payment provider (Standard Webhooks, whsec_…).'),
  BILLING_KEY_ENCRYPTION_KEY: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, '32 bytes of hex')
    .default(DEMO_SECRETS.BILLING_KEY_ENCRYPTION_KEY)
    .describe('Encrypts stored billing keys (AES-256-GCM), 32 bytes of hex.'),
  TAX_INVOICE_PROVIDER_URL: z
    .url()
    .default('http://127.0.0.1:18040/tax-invoices')
    .describe('Tax invoice provider (Bolta shape). Default: the sandbox.'),
  TAX_INVOICE_API_KEY: z
    .string()
    .min(8)
    .default(DEMO_SECRETS.TAX_INVOICE_API_KEY)
    .describe('Key of the tax invoice provider.'),
  TAX_INVOICE_WEBHOOK_SECRET: webhookSecret
    .default(DEMO_SECRETS.TAX_INVOICE_WEBHOOK_SECRET)
    .describe('Signs the webhooks of the tax invoice provider (Standard Webhooks, whsec_…).'),
  BUSINESS_REGISTRY_URL: z
    .url()
    .default('http://127.0.0.1:18040/business-registry')
    .describe('Business registry (National Tax Service shape). Default: the sandbox.'),
  BUSINESS_REGISTRY_KEY: z
    .string()
    .min(8)
    .default(DEMO_SECRETS.BUSINESS_REGISTRY_KEY)
    .describe('Service key of the business registry.'),
  MESSAGES_PROVIDER_URL: z
    .url()
    .default('http://127.0.0.1:18040/messages')
    .describe('Kakao Alimtalk and SMS (Solapi shape). Default: the sandbox.'),
  MESSAGES_API_KEY: z.string().min(8).default(DEMO_SECRETS.MESSAGES_API_KEY).describe('Its key.'),
  MESSAGES_API_SECRET: z.string().min(8).default(DEMO_SECRETS.MESSAGES_API_SECRET).describe('Its secret.'),
  SMTP_URL: z
    .string()
    .default('smtp://127.0.0.1:18041')
    .describe('Mail server. Default: the sandbox mailbox.'),
  MAIL_FROM: z.string().default('광고센터 <no-reply@ads.example>').describe('Sender of mails.'),
  PLATFORM_BUSINESS_NUMBER: z
    .string()
    .refine(isBusinessNumber, 'a valid business number, 10 digits')
    .default('2208162517')
    .describe('Supplier on tax invoices: business number of the platform.'),
  PLATFORM_NAME: z
    .string()
    .min(1)
    .max(200)
    .default('데모커머스 주식회사')
    .describe('Its name on tax invoices.'),
  PLATFORM_REPRESENTATIVE: z.string().min(1).max(100).default('김데모').describe('Its representative.'),
  PLATFORM_ADDRESS: z.string().max(300).default('서울특별시 중구 세종대로 110').describe('Its address.'),
  PLATFORM_EMAIL: z.email().default('tax@ads.example').describe('Its address for mail about tax invoices.'),
  OUTSIDE_PROVIDERS_PORT: port
    .default(18_040)
    .describe('Sandbox of the outside services (process `outside`).'),
  OUTSIDE_MAILBOX_PORT: port
    .default(18_041)
    .describe('SMTP port of the sandbox mailbox (process `outside`).'),
  STOREFRONT_PORT: port.default(18_042).describe('Demonstration shop (process `outside`).'),
  AD_SERVER_URL: z
    .url()
    .default('http://127.0.0.1:18000')
    .describe('The ad server as the demonstration shop reaches it.'),
  SHOP_API_KEY: z.string().default(DEMO.shopApiKey).describe('API key of the demonstration shop.'),
  SHOP_TRAFFIC: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Shoppers of the demonstration shop: off is `npm start -- --no-traffic`.'),
  SHOP_SPEED_UP: z.coerce
    .number()
    .positive()
    .max(10_000)
    .default(60)
    .describe('How much faster than real time the demonstration shop replays its orders.'),
});

export type Config = z.infer<typeof configSchema>;

export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** Parses everything at once and reports every problem together. Throws `ConfigError`. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const raw: Record<string, string> = {};
  for (const name of Object.keys(configSchema.shape)) {
    const value = readSetting(env, name, problems);
    if (value !== undefined) raw[name] = value;
  }
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join('.')}: ${issue.message}`);
  }
  if (parsed.success && parsed.data.FLINK_PARALLELISM > parsed.data.KAFKA_PARTITIONS)
    problems.push(
      'FLINK_PARALLELISM: at most KAFKA_PARTITIONS: a reader without a partition has no event time',
    );
  if (parsed.success && parsed.data.ADS_ENV === 'production')
    problems.push(...refusedInProduction(parsed.data));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return parsed.data;
}

function readSetting(env: NodeJS.ProcessEnv, name: string, problems: string[]): string | undefined {
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return env[name] === '' ? undefined : env[name];
  if (env[name] !== undefined && env[name] !== '') problems.push(`${name}: set it or ${name}_FILE, not both`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(
      `${name}_FILE: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

function refusedInProduction(config: Config): string[] {
  const problems = demoSecretNames(config).map(
    (name) => `${name}: the demo secret is not allowed with ADS_ENV=production; set ${name} or ${name}_FILE`,
  );
  if (config.KAFKA_REPLICATION_FACTOR < 2) {
    problems.push('KAFKA_REPLICATION_FACTOR: at least 2 with ADS_ENV=production');
  }
  return problems;
}
