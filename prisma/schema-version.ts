import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Queryable } from '../infra/postgres.js';

/** The folder `prisma/` of the sources, found upwards from here, so that the built output finds it too. */
export function prismaFolder(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'prisma');
    if (existsSync(path.join(candidate, 'migrations', 'migration_lock.toml'))) return candidate;
    if (folder === path.dirname(folder)) throw new Error('prisma/migrations not found beside this program');
  }
}

/** Names of all migrations of this build, oldest first. */
export function migrationNames(): string[] {
  return readdirSync(path.join(prismaFolder(), 'migrations'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Name of the newest migration of this build. */
export function schemaVersion(): string {
  const newest = migrationNames().at(-1);
  if (newest === undefined) throw new Error('this build has no migrations');
  return newest;
}

/**
 * Throws unless every migration of this build is applied. A newer database is accepted: during a rolling update
 * the schema goes first.
 */
export async function assertSchemaIsCurrent(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ present: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS present`,
  );
  const applied = rows[0]?.present ? await appliedMigrations(db) : new Set<string>();
  const missing = migrationNames().filter((name) => !applied.has(name));
  if (missing.length > 0) {
    throw new Error(
      `the database schema is older than this program: missing ${missing.join(', ')}; run the migrate step`,
    );
  }
}

async function appliedMigrations(db: Queryable): Promise<Set<string>> {
  const { rows } = await db.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  return new Set(rows.map((row) => row.migration_name));
}
