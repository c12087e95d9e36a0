import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REDIS_KEYS } from '../../../contracts/redis-keys.js';
import type { Stack } from '../../../stack/start-stack.js';
import { poll, quantile } from '../../support/poll.js';
import { shuffled } from '../../support/shuffled.js';
import type { World } from './world.js';

/** Parts that are killed. */
export const VICTIMS = ['flink-jobmanager', 'flink-taskmanager', 'flink-gateway', 'redis'] as const;
export type Victim = (typeof VICTIMS)[number];

/** How a killed Redis comes back: with its file, with nothing, or with its file as of the start of the round. */
const FILES = ['its file', 'nothing', 'an older file'] as const;
type Files = (typeof FILES)[number];

export interface PlannedKill {
  readonly victim: Victim;
  /** After the start of the round. */
  readonly afterMs: number;
  /** Redis only. */
  readonly backWith: Files;
}

export interface Kill extends PlannedKill {
  readonly atMs: number;
  recoveredAtMs: number | undefined;
}

const CONFIGURATION = 'redis.conf';
const RESTARTED_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** A checkpoint that was nearly done when its job was killed may still be noted. */
const UNDER_WAY_MS = 250;

/** Each part once, then more of them; at any moment, so that some fall while others are coming back. */
export function planKills(count: number, withinMs: number, random: () => number): readonly PlannedKill[] {
  const once = shuffled(VICTIMS, random);
  const more = Array.from(
    { length: Math.max(0, count - VICTIMS.length) },
    () => shuffled(VICTIMS, random)[0],
  );
  const victims = shuffled(
    [...once, ...more].filter((victim) => victim !== undefined).slice(0, count),
    random,
  );
  const times = victims.map(() => 1_000 + Math.floor(random() * (withinMs - 1_000))).sort((a, b) => a - b);
  return victims.map((victim, index) => ({
    victim,
    afterMs: times[index] ?? withinMs,
    backWith: victim === 'redis' ? (shuffled(FILES, random)[0] ?? 'its file') : 'its file',
  }));
}

export const describeKill = ({ victim, afterMs, backWith }: PlannedKill) =>
  `${victim}${victim === 'redis' ? ` (back with ${backWith})` : ''} after ${(afterMs / 1_000).toFixed(1)} s`;

/** Carries a plan out, and notes when everything was whole again after each kill. */
export class Killer {
  readonly kills: Kill[] = [];
  private readonly watching: Promise<void>;
  private closed = false;

  constructor(private readonly world: World) {
    this.watching = this.watch();
  }

  async carryOut(plan: readonly PlannedKill[]): Promise<void> {
    const startedAt = Date.now();
    keepRedisFiles(this.world.stack.dataDir);
    for (const planned of plan) {
      await delay(Math.max(0, startedAt + planned.afterMs - Date.now()));
      await this.killOne(planned);
    }
  }

  /** Everything that was killed is back, and what it did goes on. */
  async untilRecovered(deadlineMs: number): Promise<void> {
    const isRecovered = async () => this.kills.every(({ recoveredAtMs }) => recoveredAtMs !== undefined);
    await poll('everything that was killed is whole again', isRecovered, deadlineMs, LOOK_EVERY_MS).catch(
      (error: unknown) => {
        const open = this.kills.filter(({ recoveredAtMs }) => recoveredAtMs === undefined);
        throw new Error(
          `${String(error)}: ${open.map(({ victim }) => victim).join(', ')}; ${this.world.statements.describe()}`,
        );
      },
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.watching;
  }

  private async killOne(planned: PlannedKill): Promise<void> {
    const { stack } = this.world;
    const { victim, backWith } = planned;
    // It may be down from the kill before: then the next process of it is killed, while it starts.
    const pid = await poll(`${victim} has a process`, async () => pidOf(stack, victim), RESTARTED_WITHIN_MS);
    const atMs = Date.now();
    stack.kill(victim, 'SIGKILL');
    if (backWith !== 'its file') {
      await poll(`${victim} is gone`, async () => !isAlive(pid), GONE_WITHIN_MS, 5);
      replaceRedisFiles(stack.dataDir, backWith);
    }
    this.kills.push({ ...planned, atMs, recoveredAtMs: undefined });
  }

  private async watch(): Promise<void> {
    while (!this.closed) {
      for (const kill of this.kills) {
        if (kill.recoveredAtMs === undefined && (await this.isWholeAfter(kill)))
          kill.recoveredAtMs = Date.now();
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** Flink: each statement has written a checkpoint since. Redis: the rankings are declared whole by their epoch. */
  private async isWholeAfter({ victim, atMs }: Kill): Promise<boolean> {
    const { stack, statements, redis } = this.world;
    const isReady = stack.parts().some(({ part, state }) => part === victim && state === 'ready');
    if (!isReady) return false;
    if (victim !== 'redis') return statements.areWholeSince(atMs + UNDER_WAY_MS);
    return (await redis.get(REDIS_KEYS.rankingEpoch).catch(() => null)) !== null;
  }
}

/** How long it took, per kind of kill. */
export function recoveryFigures(kills: readonly Kill[]): readonly (readonly [string, string])[] {
  const kinds = new Map<string, number[]>();
  for (const { victim, backWith, atMs, recoveredAtMs } of kills) {
    const kind = victim === 'redis' ? `redis, back with ${backWith}` : victim;
    const seconds = ((recoveredAtMs ?? Number.NaN) - atMs) / 1_000;
    kinds.set(kind, [...(kinds.get(kind) ?? []), seconds]);
  }
  return [...kinds].sort().map(([kind, seconds]) => {
    const median = quantile(seconds, 0.5).toFixed(1);
    return [
      kind,
      `${seconds.length} kills, whole again after ${median} s (median), ${Math.max(...seconds).toFixed(1)} s (max)`,
    ];
  });
}

const pidOf = (stack: Stack, name: string) => stack.parts().find(({ part }) => part === name)?.pid;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const redisFolder = (dataDir: string) => path.join(dataDir, 'redis');
const keptFolder = (dataDir: string) => path.join(dataDir, 'redis-before');

/** What is written meanwhile makes the copy end in the middle of a command at worst: Redis leaves that one out. */
function keepRedisFiles(dataDir: string): void {
  rmSync(keptFolder(dataDir), { recursive: true, force: true });
  cpSync(redisFolder(dataDir), keptFolder(dataDir), { recursive: true });
}

/** Everything but the configuration: the next server starts with nothing, or with the copy. */
function replaceRedisFiles(dataDir: string, backWith: Files): void {
  const names = readdirSync(redisFolder(dataDir)).filter((name) => name !== CONFIGURATION);
  for (const name of names) rmSync(path.join(redisFolder(dataDir), name), { recursive: true });
  if (backWith !== 'an older file') return;
  const isData = (source: string) => path.basename(source) !== CONFIGURATION;
  cpSync(keptFolder(dataDir), redisFolder(dataDir), { recursive: true, filter: isData });
}
