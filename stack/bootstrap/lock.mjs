import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Locks that survive crashes: a file with the identity of its holder. A process id alone is not an identity
 * (ids are reused), so the start time of the process and the boot of the machine stand beside it.
 */

const TAKEOVER_STALE_MS = 5_000;

/** @returns the start time of a living process as opaque text, or undefined when there is none. */
export function startTimeOf(pid) {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command name may hold blanks and brackets: fields are counted behind the last bracket.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started;
  } catch (error) {
    // No such process (ENOENT and ESRCH on Linux, exit code 1 of ps elsewhere); all else is a real problem.
    if (error.code === 'ENOENT' || error.code === 'ESRCH' || error.status === 1) return undefined;
    throw error;
  }
}

export function bootId() {
  if (process.platform !== 'linux') return 'boot';
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function identityOf(pid) {
  const startedAt = startTimeOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt, bootId: bootId() };
}

export function isAlive(identity) {
  return identity.bootId === bootId() && startTimeOf(identity.pid) === identity.startedAt;
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns the living holder of a lock, or undefined. */
export function lockHolder(path) {
  const holder = readHolder(path);
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/** Tries once. A lock of a dead process is taken over. @returns a release function, or undefined when held. */
export function tryLock(path, details = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, JSON.stringify({ ...identityOf(process.pid), ...details }));
  try {
    if (!linkIfFree(draft, path) && !(takeOver(path) && linkIfFree(draft, path))) return undefined;
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    const holder = readHolder(path);
    if (holder?.pid === process.pid) rmSync(path, { force: true });
  };
}

/** A hard link appears with its whole content or not at all: nobody can read half a lock. */
function linkIfFree(draft, path) {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a dead process; a folder as mutex keeps two takers from removing each other's lock. */
function takeOver(path) {
  const mutex = `${path}.takeover`;
  try {
    mkdirSync(mutex);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    dropStaleMutex(mutex);
    return false;
  }
  try {
    if (lockHolder(path) !== undefined) return false;
    unlinkSync(path);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw error;
  } finally {
    rmdirSync(mutex);
  }
}

function dropStaleMutex(mutex) {
  try {
    if (Date.now() - statSync(mutex).mtimeMs > TAKEOVER_STALE_MS) rmdirSync(mutex);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Waits for as long as a living process holds the lock. */
export async function lock(path) {
  for (;;) {
    const release = tryLock(path);
    if (release !== undefined) return release;
    await sleep(200);
  }
}
