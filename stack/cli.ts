import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { slotDataDir } from './bootstrap/places.mjs';
import { table } from './bootstrap/summary.mjs';
import { USAGE } from './bootstrap/usage.mjs';
import { runForeground } from './foreground.js';
import { showLog } from './show-log.js';
import { slotHolder } from './slots.js';
import { statusPath } from './start-stack.js';

/** The commands of the native stack. Each answers with its exit code. */

const STOP_DEADLINE_MS = 120_000;
const STOP_POLL_MS = 200;

const OPTIONS = {
  slot: { type: 'string', default: '0' },
  flink: { type: 'string', default: 'one' },
  'no-seed': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  follow: { type: 'boolean', short: 'f', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  const [command, ...rest] = positionals;
  const slot = z.coerce.number().int().min(0).max(9).parse(values.slot);
  if (values.help) return print(USAGE, 0);
  switch (command) {
    case 'start': {
      const flink = z.enum(['one', 'cluster']).parse(values.flink);
      return runForeground({ slot, flink, seed: !values['no-seed'] });
    }
    case 'stop':
      return stop(slot);
    case 'status':
      return status(slot);
    case 'reset':
      return reset(slot, values.yes);
    case 'logs':
      return showLog(slotDataDir(slot), rest[0], values.follow);
    default:
      return print(USAGE, 2);
  }
}

function print(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}

/** Ends the supervisor by its id and waits until it has ended everything else. */
async function stop(slot: number): Promise<number> {
  const holder = slotHolder(slot);
  if (holder === undefined) return print(`slot ${slot} is not running`, 0);
  process.kill(holder.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (slotHolder(slot)?.pid === holder.pid) {
    if (Date.now() > deadline)
      return print(`process ${holder.pid} is still there after ${STOP_DEADLINE_MS / 1_000} s`, 1);
    await sleep(STOP_POLL_MS);
  }
  return print(`slot ${slot} has stopped`, 0);
}

const statusSchema = z.object({
  external: z.array(z.string()),
  parts: z.array(
    z.object({
      part: z.string(),
      version: z.string(),
      state: z.string(),
      pid: z.number().optional(),
      port: z.number().optional(),
      restarts: z.number(),
      startedAtMs: z.number().optional(),
    }),
  ),
});

function status(slot: number): number {
  const holder = slotHolder(slot);
  if (holder === undefined)
    return print(`slot ${slot} is not running; its data is in ${slotDataDir(slot)}`, 3);
  const path = statusPath(holder.dataDir);
  if (!existsSync(path))
    return print(`slot ${slot} is held by process ${holder.pid}, which has not started anything yet`, 0);
  const { parts, external } = statusSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const rows = parts.map((part) => [
    part.part,
    part.state,
    String(part.pid ?? ''),
    String(part.port ?? ''),
    String(part.restarts),
    part.startedAtMs === undefined ? '' : duration(Date.now() - part.startedAtMs),
  ]);
  const own = external.map((name) => [name, 'external', '', '', '', '']);
  process.stdout.write(`${table([['part', 'state', 'pid', 'port', 'restarts', 'up'], ...rows, ...own])}\n`);
  return print(`\nsupervisor ${holder.pid}, data in ${holder.dataDir}`, 0);
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

async function reset(slot: number, yes: boolean): Promise<number> {
  const holder = slotHolder(slot);
  if (holder !== undefined) return print(`slot ${slot} is running (process ${holder.pid}): stop it first`, 1);
  const folder = slotDataDir(slot);
  if (!existsSync(folder)) return print(`there is no data in ${folder}`, 0);
  if (!yes && !(await confirmed(`Delete all data in ${folder}? [y/N] `)))
    return print('nothing was deleted', 1);
  rmSync(folder, { recursive: true, force: true });
  return print(`deleted ${folder}`, 0);
}

async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
