import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { getOnce } from '../bootstrap/get-once.mjs';
import { cacheRoot, VERSIONS } from '../bootstrap/places.mjs';
import { copyJars } from '../maven.js';
import type { Part, SlotContext } from '../part.js';

/** Redis (or Valkey) of this machine when it is new enough, else the binary inside a Maven jar. */

const MINIMUM = [6, 2] as const;
const home = () => join(cacheRoot(), `redis-embedded-${VERSIONS.embeddedRedis}`);
const dataOf = (context: SlotContext) => join(context.dataDir, 'redis');

export const redis: Part = {
  name: 'redis',
  version: VERSIONS.redis,
  kind: 'service',
  artefacts: [
    {
      name: 'redis',
      get version() {
        return installedServer()?.version ?? VERSIONS.redis;
      },
      source: 'redis-server on PATH, else Maven embedded-redis',
      get: async () =>
        installedServer() === undefined
          ? await getOnce(home(), unpackBinary)
          : { cached: true, seconds: 0, bytes: 0 },
    },
  ],
  needs: [],
  port: 'redis',
  prepare: async (context) => {
    mkdirSync(dataOf(context), { recursive: true });
    writeFileSync(join(dataOf(context), 'redis.conf'), configuration(context));
  },
  command: (context) => ({
    file: redisServerPath(),
    args: [join(dataOf(context), 'redis.conf')],
    cwd: dataOf(context),
  }),
  ready: (context) => ping(context.ports.redis),
  readyDeadlineMs: 30_000,
  stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
};

/** The program, also for tests that start servers of their own. It is there once the artefact was got. */
export const redisServerPath = () => installedServer()?.path ?? join(home(), 'redis-server');

function configuration(context: SlotContext): string {
  return [
    'bind 127.0.0.1',
    `port ${context.ports.redis}`,
    `dir ${dataOf(context)}`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

interface Installed {
  readonly path: string;
  readonly version: string;
}

/** Looked up once: the PATH of this process does not change. */
let lookup: { readonly found: Installed | undefined } | undefined;

function installedServer(): Installed | undefined {
  lookup ??= { found: findInstalled() };
  return lookup.found;
}

function findInstalled(): Installed | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['redis-server', 'valkey-server']) {
      const path = join(folder, name);
      const version = isExecutable(path) ? versionOf(path) : undefined;
      if (version !== undefined) return { path, version };
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return false;
    throw error;
  }
}

/** @returns nothing for a server that is too old. */
function versionOf(path: string): string | undefined {
  const result = execaSync(path, ['--version'], { reject: false });
  const match = /v=((\d+)\.(\d+)\.\d+)/.exec(result.stdout);
  const [major, minor] = [Number(match?.[2]), Number(match?.[3])];
  const newEnough = major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
  return newEnough ? match?.[1] : undefined;
}

async function unpackBinary(staging: string): Promise<void> {
  const jars = join(staging, 'jars');
  await copyJars('redis', jars);
  const jar = readdirSync(jars).find((name) => name.startsWith('embedded-redis'));
  if (jar === undefined) throw new Error('Maven gave no embedded-redis jar');
  const system = process.platform === 'darwin' ? 'darwin' : 'linux';
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const files = await execa('jar', ['tf', join(jars, jar)]);
  const entry = files.stdout
    .split('\n')
    .find((name) => name.includes('redis-server') && name.includes(`${system}-${arch}`));
  if (entry === undefined)
    throw new Error(`embedded-redis has no binary for ${system}-${arch}: install Redis >= 6.2`);
  await execa('jar', ['xf', join(jars, jar), entry], { cwd: staging });
  renameSync(join(staging, entry), join(staging, 'redis-server'));
  chmodSync(join(staging, 'redis-server'), 0o755);
  rmSync(jars, { recursive: true });
}

/** A server that still loads its append-only file answers -LOADING: not ready. */
function ping(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer to PING')));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    socket.once('error', reject);
    // Killed after it has read the question, it ends the connection without an error.
    socket.once('close', () => resolve(false));
  });
}
