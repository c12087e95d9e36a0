import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from './config.js';
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

test('production refuses every demo secret and accepts real ones', () => {
  const secrets = ['CLICK_TOKEN_KEYS', 'HASH_KEY', 'DATABASE_URL', 'DATABASE_OWNER_URL'];
  const refused = problemsOf({ ADS_ENV: 'production' });
  expect(refused.map((problem) => problem.split(':')[0]).sort()).toEqual([...secrets].sort());
  const real = Object.fromEntries(secrets.map((name) => [name, `real-${name}-0123456789abcdef`]));
  expect(problemsOf({ ADS_ENV: 'production', ...real })).toEqual([]);
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
