import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Config, configSchema, DEMO_SECRETS } from '../infra/config.js';
import { REPO_ROOT, slotDataDir } from './bootstrap/places.mjs';
import { checkpointDirOf } from './components/flink.js';
import { testServerPath } from './components/temporal-test-server.js';
import { portsOf } from './slots.js';

/**
 * The environment of the processes of one slot. Names are those of `infra/config`. Only this file of the stack
 * reads the settings of the person who started it.
 */

type Settings = Partial<Record<keyof Config, string>> & Record<string, string>;

/** Addresses of the native components of a slot, before anything that the user set. */
export function stackEnv(slot: number): Settings {
  const ports = portsOf(slot);
  const database = (demo: string) => demo.replace(/:\d+\/ads$/, `:${ports.postgres}/ads`);
  return {
    AD_SERVER_PORT: String(ports.adServer),
    CONSOLE_API_PORT: String(ports.consoleApi),
    DATABASE_URL: database(DEMO_SECRETS.DATABASE_URL),
    DATABASE_OWNER_URL: database(DEMO_SECRETS.DATABASE_OWNER_URL),
    FLINK_DATABASE_URL: database(DEMO_SECRETS.FLINK_DATABASE_URL),
    REDIS_URL: `redis://127.0.0.1:${ports.redis}`,
    KAFKA_BROKERS: `127.0.0.1:${ports.kafka}`,
    // One machine gains nothing from more: each partition costs ticks, fetches and produce requests.
    KAFKA_PARTITIONS: '4',
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporalGrpc}`,
    FLINK_REST_URL: `http://127.0.0.1:${ports.flinkRest}`,
    FLINK_SQL_GATEWAY_URL: `http://127.0.0.1:${ports.flinkGateway}`,
    // Producers on one machine are hardly ever out of order, and nobody wants to wait a minute for a conversion.
    FLINK_MATCH_WATERMARK_SECONDS: '5',
    FLINK_CHECKPOINT_DIR: checkpointDirOf(slotDataDir(slot)),
    TEMPORAL_TEST_SERVER: testServerPath(),
    OUTSIDE_PROVIDERS_PORT: String(ports.providers),
    OUTSIDE_MAILBOX_PORT: String(ports.mailbox),
    STOREFRONT_PORT: String(ports.storefront),
    AD_SERVER_URL: `http://127.0.0.1:${ports.adServer}`,
    CONSOLE_URL: `http://127.0.0.1:${ports.consoleApi}`,
    PAYMENT_PROVIDER_URL: `http://127.0.0.1:${ports.providers}/payments`,
    TAX_INVOICE_PROVIDER_URL: `http://127.0.0.1:${ports.providers}/tax-invoices`,
    BUSINESS_REGISTRY_URL: `http://127.0.0.1:${ports.providers}/business-registry`,
    MESSAGES_PROVIDER_URL: `http://127.0.0.1:${ports.providers}/messages`,
    SMTP_URL: `smtp://127.0.0.1:${ports.mailbox}`,
  };
}

/** The names that `infra/config` knows, with their `_FILE` forms. */
const CONFIG_NAMES = new Set(Object.keys(configSchema.shape).flatMap((name) => [name, `${name}_FILE`]));

/** What the person set for `npm start`: `.env`, and above it the shell. Test slots never see it. */
export function userSettings(): Settings {
  const file = join(REPO_ROOT, '.env');
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  const settings: Settings = {};
  for (const [name, value] of Object.entries({ ...fromFile, ...process.env })) {
    if (CONFIG_NAMES.has(name) && value !== undefined && value !== '') settings[name] = value;
  }
  return settings;
}

/** The rest of the environment (PATH, JAVA_HOME, locale): every child needs it. */
export function baseEnv(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !CONFIG_NAMES.has(name));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Which native components an own address replaces. Flink is replaced by both of its addresses only. */
export function externalParts(settings: Settings): string[] {
  const has = (name: keyof Config) => settings[name] !== undefined || settings[`${name}_FILE`] !== undefined;
  const external: string[] = [];
  if (has('DATABASE_URL')) external.push('postgres');
  if (has('REDIS_URL')) external.push('redis');
  if (has('KAFKA_BROKERS')) external.push('kafka');
  if (has('TEMPORAL_ADDRESS')) external.push('temporal');
  if (has('FLINK_REST_URL') && has('FLINK_SQL_GATEWAY_URL')) external.push('flink');
  return external;
}
