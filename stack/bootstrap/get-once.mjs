import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lock } from './lock.mjs';

/**
 * Fills a folder of the cache once: into a temporary name, then one atomic rename, so that an interrupted get is
 * repeated and nobody ever sees half of it. Concurrent callers wait for the first one.
 *
 * @returns {Promise<{cached: boolean, seconds: number, bytes: number}>}
 */
export async function getOnce(target, fill) {
  const startedAt = performance.now();
  if (existsSync(target)) return { cached: true, seconds: 0, bytes: sizeOf(target) };
  mkdirSync(dirname(target), { recursive: true });
  const release = await lock(`${target}.lock`);
  try {
    if (existsSync(target)) return { cached: true, seconds: secondsSince(startedAt), bytes: sizeOf(target) };
    removeLeftovers(target);
    const staging = `${target}.part-${process.pid}`;
    mkdirSync(staging, { recursive: true });
    await fill(staging);
    makeReadable(staging);
    renameSync(staging, target);
    return { cached: false, seconds: secondsSince(startedAt), bytes: sizeOf(target) };
  } finally {
    release();
  }
}

const secondsSince = (startedAt) => Math.round((performance.now() - startedAt) / 100) / 10;

/** Under the lock, every other temporary folder of this target belongs to a get that died. */
function removeLeftovers(target) {
  const prefix = `${basename(target)}.part-`;
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

/** A strict umask of root must not lock out the user that PostgreSQL runs as. */
function makeReadable(path) {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.mode | (stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o555 : 0o444));
  if (stat.isDirectory()) for (const name of readdirSync(path)) makeReadable(join(path, name));
}

export function sizeOf(path) {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((bytes, name) => bytes + sizeOf(join(path, name)), 0);
}

export const formatMiB = (bytes) => `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 1 : 0)} MiB`;
