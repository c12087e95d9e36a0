import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where things live. Plain JavaScript, because the bootstrap uses it before any dependency is installed. */

/** The folder of package.json, whether this file runs from stack/ or from dist/stack/. */
export const REPO_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder) {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('no package.json above the stack folder');
  return findRoot(parent);
}

export const isRoot = () => process.getuid?.() === 0;

/** PostgreSQL refuses to run as root and runs as "nobody" then, who must be able to walk down to its files. */
export function traversableByOthers(path) {
  const folder = resolve(path);
  if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || traversableByOthers(parent);
}

/** Downloaded and compiled components: shared by all clones and slots of this user. */
export function cacheRoot(env = process.env) {
  if (env.ADS_CACHE_DIR) return resolve(env.ADS_CACHE_DIR);
  const home = join(homedir(), '.cache', 'cpc-ads');
  return !isRoot() || traversableByOthers(home) ? home : '/var/cache/cpc-ads';
}

/** Data of all slots of this clone. */
export function dataRoot(env = process.env) {
  if (env.ADS_DATA_DIR) return resolve(env.ADS_DATA_DIR);
  const local = join(REPO_ROOT, '.stack');
  if (!isRoot() || traversableByOthers(local)) return local;
  const id = createHash('sha256').update(REPO_ROOT).digest('hex').slice(0, 8);
  return `/var/tmp/cpc-ads-${id}`;
}

export const slotDataDir = (slot, env = process.env) => join(dataRoot(env), `slot-${slot}`);

/** Ports belong to the machine, not to a clone: so do the locks of the slots. */
export const locksRoot = () => join(tmpdir(), 'cpc-ads-slots');

/** The single place of all component versions. */
export const VERSIONS = JSON.parse(readFileSync(join(REPO_ROOT, 'stack', 'versions.json'), 'utf8'));
