import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../infra/config.js';
import { migrationNames, prismaFolder } from './schema-version.js';

export { assertSchemaIsCurrent, schemaVersion } from './schema-version.js';

/**
 * Migrations without an engine binary: ordinary `prisma/migrations`, applied and compared by the schema engine in
 * WebAssembly. `deploy` applies, `diff` prints what the schema has and the migrations do not, `new <name>` writes
 * that as the next migration. The owner of the database runs them; `diff` and `new` also need CREATEDB.
 */
const NO_FILTERS = { externalTables: [], externalEnums: [] };

/** Applies what is missing and returns the names. Safe to run twice at once: the engine takes a lock. */
export async function deployMigrations(ownerUrl: string): Promise<string[]> {
  const { withSchemaEngine } = await import('./schema-engine.js');
  const applied = await withSchemaEngine(ownerUrl, schemaFiles().map(toDatamodel), (engine) =>
    engine.applyMigrations({ migrationsList: migrationList(), filters: NO_FILTERS }),
  );
  return applied.appliedMigrationNames;
}

/** SQL that would bring the migrations up to the schema; empty when they agree. Uses a shadow database. */
export async function diffSchema(ownerUrl: string): Promise<string> {
  const { withSchemaEngine } = await import('./schema-engine.js');
  const files = schemaFiles();
  const diff = await withSchemaEngine(ownerUrl, files.map(toDatamodel), (engine) =>
    engine.diff({
      from: { tag: 'migrations', ...migrationList() },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      filters: NO_FILTERS,
    }),
  );
  return diff.exitCode === 2 ? (diff.stdout ?? '') : '';
}

interface SchemaFile {
  path: string;
  content: string;
}

const toDatamodel = (file: SchemaFile): [string, string] => [file.path, file.content];

function schemaFiles(): SchemaFile[] {
  const folder = path.join(prismaFolder(), 'schema');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.prisma'))
    .sort()
    .map((name) => ({
      path: `prisma/schema/${name}`,
      content: readFileSync(path.join(folder, name), 'utf8'),
    }));
}

function migrationList() {
  const folder = path.join(prismaFolder(), 'migrations');
  return {
    baseDir: 'prisma/migrations',
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: readFileSync(path.join(folder, 'migration_lock.toml'), 'utf8'),
    },
    migrationDirectories: migrationNames().map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: readFileSync(path.join(folder, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  };
}

async function writeMigration(ownerUrl: string, name: string): Promise<string | null> {
  const sql = await diffSchema(ownerUrl);
  if (sql === '') return null;
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = path.join(prismaFolder(), 'migrations', `${stamp}_${name}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'migration.sql'), sql);
  return path.basename(folder);
}

async function main(args: readonly string[]): Promise<number> {
  const [command, name] = args;
  const ownerUrl = loadConfig().DATABASE_OWNER_URL;
  if (command === 'deploy') {
    const applied = await deployMigrations(ownerUrl);
    process.stdout.write(applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'nothing to apply\n');
    return 0;
  }
  if (command === 'diff') {
    const sql = await diffSchema(ownerUrl);
    process.stdout.write(sql);
    return sql === '' ? 0 : 2;
  }
  if (command === 'new' && name !== undefined && /^[a-z0-9_]+$/.test(name)) {
    const created = await writeMigration(ownerUrl, name);
    process.stdout.write(created ? `created ${created}\n` : 'the migrations already match the schema\n');
    return 0;
  }
  process.stderr.write('usage: migrate deploy | diff | new <name_in_snake_case>\n');
  return 64;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  process.exitCode = await main(process.argv.slice(2));
}
