import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../../infra/config.js';
import { type DatabasePool, openPool } from '../../infra/postgres.js';
import { ensurePartitions } from '../../operations/ensure-partitions.js';
import { deployMigrations } from '../../prisma/migrate.js';
import { migrationNames, prismaFolder } from '../../prisma/schema-version.js';

export interface TestDatabase {
  readonly ownerPool: DatabasePool;
  /** As processes see it: the role that cannot change money rows. */
  readonly appPool: DatabasePool;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** Closes both pools and removes the database; other connections to it must be closed before. */
  drop(): Promise<void>;
}

/** One lock name for making the template, whichever test process comes first. */
const TEMPLATE_LOCK = 730_301;

/**
 * A fresh database for one test file, copied from a migrated template on the server of `DATABASE_OWNER_URL`. A
 * missing server fails the test. The template is named after the content of the migrations.
 */
export async function createTestDatabase(
  options: { readonly connections?: number } = {},
): Promise<TestDatabase> {
  const config = loadConfig();
  const database = `ads_test_${randomBytes(6).toString('hex')}`;
  const admin = openPool({ connectionString: config.DATABASE_OWNER_URL, max: 1 });
  const template = await ensureTemplate(admin, config.DATABASE_OWNER_URL);
  await admin.query(`CREATE DATABASE ${database} TEMPLATE ${template}`);
  const ownerUrl = withDatabase(config.DATABASE_OWNER_URL, database);
  const appUrl = withDatabase(config.DATABASE_URL, database);
  const ownerPool = openPool({ connectionString: ownerUrl, max: 2 });
  const appPool = openPool({ connectionString: appUrl, max: options.connections ?? 8 });
  await ensurePartitions(ownerPool);
  const drop = async () => {
    await appPool.end();
    await ownerPool.end();
    await admin.query(`DROP DATABASE ${database}`);
    await admin.end();
  };
  return { ownerPool, appPool, ownerUrl, appUrl, drop };
}

async function ensureTemplate(admin: DatabasePool, ownerUrl: string): Promise<string> {
  const template = `ads_template_${migrationsHash()}`;
  await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [template]);
    if (rowCount === 0) await makeTemplate(admin, ownerUrl, template);
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  return template;
}

/** Made under another name first, so that a half-migrated database is never taken for the template. */
async function makeTemplate(admin: DatabasePool, ownerUrl: string, template: string): Promise<void> {
  const unfinished = `${template}_unfinished`;
  await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${unfinished}`);
  await deployMigrations(withDatabase(ownerUrl, unfinished));
  await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
}

function migrationsHash(): string {
  const hash = createHash('sha256');
  for (const name of migrationNames()) {
    hash.update(name).update(readFileSync(path.join(prismaFolder(), 'migrations', name, 'migration.sql')));
  }
  return hash.digest('hex').slice(0, 12);
}

function withDatabase(address: string, database: string): string {
  const url = new URL(address);
  url.pathname = `/${database}`;
  return url.href;
}
