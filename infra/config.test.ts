import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, DEMO_SECRETS, loadConfig } from './config.js';
import { renderConfigDocs, renderEnvExample } from './config-docs.js';

const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

test('all problems are reported together', () => {
  const problems = problemsOf({ AD_SERVER_PORT: 'ninety', LOG_LEVEL: 'loud', SESSION_HOURS: '-1' });
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(
    expect.arrayContaining(['AD_SERVER_PORT', 'LOG_LEVEL', 'SESSION_HOURS']),
  );
});

test('Flink may not read with more parts than a topic has partitions', () => {
  expect(problemsOf({ FLINK_PARALLELISM: '4', KAFKA_PARTITIONS: '4' })).toEqual([]);
  expect(problemsOf({ FLINK_PARALLELISM: '5', KAFKA_PARTITIONS: '4' }).join()).toContain('FLINK_PARALLELISM');
});

const REAL = {
  ADS_ENV: 'production',
  CLICK_TOKEN_KEYS: `k2:${'ab'.repeat(32)},k1:${'CD'.repeat(40)}`,
  HASH_KEY: 'a-real-hash-key-0123456789',
  DATABASE_URL: 'postgres://ads_app:a-real-password@db.internal:5432/ads',
  DATABASE_OWNER_URL: 'postgres://ads_owner:another-password@db.internal:5432/ads',
  FLINK_DATABASE_URL: 'postgres://ads_flink:a-third-password@db.internal:5432/ads',
  PAYMENT_SECRET_KEY: 'live_sk_0123456789',
  PAYMENT_WEBHOOK_SECRET: `whsec_${'aB3d'.repeat(8)}`,
  BILLING_KEY_ENCRYPTION_KEY: '3f'.repeat(32),
  TAX_INVOICE_API_KEY: 'live_tax_0123456789',
  TAX_INVOICE_WEBHOOK_SECRET: `whsec_${'dC4e'.repeat(8)}`,
  BUSINESS_REGISTRY_KEY: 'registry-key-0123456789',
  MESSAGES_API_KEY: 'messages-key-0123456789',
  MESSAGES_API_SECRET: 'messages-secret-0123456789',
  KAFKA_REPLICATION_FACTOR: '3',
};
const namesOf = (problems: readonly string[]) => problems.map((problem) => problem.split(':')[0]).sort();

test('production refuses every demo secret and accepts real ones', () => {
  const refused = [...Object.keys(DEMO_SECRETS), 'KAFKA_REPLICATION_FACTOR'];
  expect(namesOf(problemsOf({ ADS_ENV: 'production' }))).toEqual(refused.sort());
  expect(problemsOf(REAL)).toEqual([]);
});

const DEMO_KEY = DEMO_SECRETS.CLICK_TOKEN_KEYS.split(':')[1] ?? '';
test.each([
  ['another host', { DATABASE_URL: 'postgresql://someone:ads_app_demo@db.internal/other' }],
  ['an escaped letter', { DATABASE_URL: 'postgres://ads_app:ads%5fapp%5Fdemo@db.internal/ads' }],
  ['a parameter', { DATABASE_URL: 'postgres://ads_app@db.internal/ads?password=ads_app_demo' }],
  ['the other role’s password', { DATABASE_OWNER_URL: 'postgres://ads_owner:ads_app_demo@db.internal/ads' }],
  ['a key that only verifies', { CLICK_TOKEN_KEYS: `${REAL.CLICK_TOKEN_KEYS},old:${DEMO_KEY}` }],
  ['another id and capitals', { CLICK_TOKEN_KEYS: `mine:${DEMO_KEY.toUpperCase()}` }],
  ['spaces around it', { HASH_KEY: ` ${DEMO_SECRETS.HASH_KEY} ` }],
])('production refuses a demo secret behind %s', (_name, change) => {
  expect(namesOf(problemsOf({ ...REAL, ...change }))).toEqual(Object.keys(change));
});

test.each(['real-keys', 'k1:abcd', 'k1:xyz', `k1:${'ab'.repeat(32)},k1:${'cd'.repeat(32)}`, 'k1:'])(
  'click token keys %j are refused',
  (keys) => {
    expect(namesOf(problemsOf({ CLICK_TOKEN_KEYS: keys }))).toContain('CLICK_TOKEN_KEYS');
  },
);

test('trusted proxies are addresses, ranges, names or a number of hops; never everybody', () => {
  for (const good of ['', '1', 'loopback', '10.0.0.0/8, 192.168.1.5', 'fd00::/8']) {
    expect(problemsOf({ TRUSTED_PROXIES: good })).toEqual([]);
  }
  for (const bad of ['true', '*', '10.0.0.0/33', 'proxy.internal', '10.0.0.0/8/8']) {
    expect(namesOf(problemsOf({ TRUSTED_PROXIES: bad }))).toEqual(['TRUSTED_PROXIES']);
  }
});

test('a secret comes from a file, and a setting given twice is an error', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'hash-key');
  writeFileSync(file, 'from-a-file-0123456789\n');
  expect(loadConfig({ HASH_KEY_FILE: file }).HASH_KEY).toBe('from-a-file-0123456789');
  expect(problemsOf({ HASH_KEY_FILE: file, HASH_KEY: 'also-here-0123456789' })[0]).toMatch(/not both/);
  expect(problemsOf({ HASH_KEY_FILE: `${file}.missing` })[0]).toMatch(/cannot read/);
});

test('docs/config.md and .env.example are current (npm run generate)', () => {
  expect(readFileSync('docs/config.md', 'utf8')).toBe(renderConfigDocs());
  expect(readFileSync('.env.example', 'utf8')).toBe(renderEnvExample());
});
