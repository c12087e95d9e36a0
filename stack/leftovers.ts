import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { bootId, identityOf, isAlive, startTimeOf } from './bootstrap/lock.mjs';
import { locksRoot } from './bootstrap/places.mjs';

/**
 * The children of a slot, written down at each start of one: a supervisor that was killed cannot end them itself,
 * so the next one on the same ports does.
 */
const childSchema = z.object({
  pid: z.number(),
  startedAt: z.string(),
  bootId: z.string(),
  part: z.string(),
});
const childrenSchema = z.array(childSchema);
type Child = z.infer<typeof childSchema>;

const TERM_MS = 10_000;
const KILL_MS = 3_000;
const POLL_MS = 50;

const recordPath = (slot: number) => join(locksRoot(), `slot-${slot}.children.json`);

function readChildren(slot: number): Child[] {
  try {
    return childrenSchema.parse(JSON.parse(readFileSync(recordPath(slot), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function writeChildren(slot: number, children: readonly Child[]): void {
  mkdirSync(locksRoot(), { recursive: true });
  const draft = `${recordPath(slot)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(children));
  renameSync(draft, recordPath(slot));
}

/** Only the holder of the slot calls these two, so that read and write cannot interleave. */
export function recordChild(slot: number, part: string, pid: number): void {
  const identity = identityOf(pid);
  if (identity === undefined) return;
  const others = readChildren(slot).filter((child) => child.part !== part);
  writeChildren(slot, [...others, { ...identity, part }]);
}

export function forgetChild(slot: number, part: string): void {
  writeChildren(
    slot,
    readChildren(slot).filter((child) => child.part !== part),
  );
}

/** Ends the recorded children, TERM first. Never touches a process whose start time does not match. */
export async function endLeftovers(slot: number): Promise<void> {
  const left = readChildren(slot).filter(mayBeOurs);
  for (const child of left) signalGroup(child.pid, 'SIGTERM');
  const deadline = Date.now() + TERM_MS;
  while (left.some((child) => groupExists(child.pid)) && Date.now() < deadline) await sleep(POLL_MS);
  await Promise.all(left.map((child) => killGroup(child.pid)));
  writeChildren(slot, []);
}

/**
 * Either the recorded process itself, or what is left of its group: while a group exists the system gives its
 * number to nobody else, so a group without leader in the same boot is still the recorded one.
 */
function mayBeOurs(child: Child): boolean {
  if (isAlive(child)) return true;
  return child.bootId === bootId() && startTimeOf(child.pid) === undefined && groupExists(child.pid);
}

/** Waits until nothing of the group is left: whoever starts next needs its ports and files. */
export async function killGroup(pid: number): Promise<void> {
  // A process 1 that reaps nobody (some containers) leaves zombies: they hold nothing, so the wait is bounded.
  const deadline = Date.now() + KILL_MS;
  while (signalGroup(pid, 'SIGKILL') && Date.now() < deadline) await sleep(POLL_MS);
}

/** True while any process (a zombie counts) is in the group. */
export function groupExists(pid: number): boolean {
  return signalGroup(pid, 0);
}

/** @returns whether the group existed. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
