import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { tryLock } from './bootstrap/lock.mjs';
import { REPO_ROOT, slotDataDir } from './bootstrap/places.mjs';
import { table } from './bootstrap/summary.mjs';
import { temporalCliPath } from './bootstrap/temporal-cli.mjs';
import { USAGE } from './bootstrap/usage.mjs';
import { runForeground } from './foreground.js';
import { endLeftovers } from './leftovers.js';
import { showLog } from './show-log.js';
import { LAST_SLOT, portsOf, slotHolder, slotLockPath } from './slots.js';
import { baseEnv, stackEnv, userSettings } from './stack-env.js';
import { statusPath } from './start-stack.js';

/** The commands of the native stack. Each answers with its exit code. */

const STOP_DEADLINE_MS = 120_000;
const STOP_POLL_MS = 200;

const OPTIONS = {
  slot: { type: 'string', default: '0' },
  flink: { type: 'string', default: 'one' },
  'no-seed': { type: 'boolean', default: false },
  'no-traffic': { type: 'boolean', default: false },
  components: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  follow: { type: 'boolean', short: 'f', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export async function main(argv: readonly string[]): Promise<number> {
  // The arguments of these two belong to another program: none of them is read here.
  const [first, ...passedOn] = argv;
  if (first === 'run') return runProduct(passedOn);
  if (first === 'temporal') return runTemporal(passedOn);
  if (first === 'demo') return runDemo(passedOn);
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  const [command, ...rest] = positionals;
  if (values.help) return print(USAGE, 0);
  const slot = slotSchema.safeParse(values.slot).data;
  if (slot === undefined) return print(`--slot takes a number from 0 to ${LAST_SLOT}`, 2);
  const flink = flinkSchema.safeParse(values.flink).data;
  if (flink === undefined) return print('--flink takes "one" or "cluster"', 2);
  switch (command) {
    case 'start':
      return runForeground({
        slot,
        flink,
        seed: !values['no-seed'],
        ...(values.components ? { parts: ['components'] } : {}),
        ...(values['no-traffic'] ? { env: { SHOP_TRAFFIC: 'off' } } : {}),
      });
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

const slotSchema = z.coerce.number().int().min(0).max(LAST_SLOT);
const flinkSchema = z.enum(['one', 'cluster']);

/** What `npm start` runs with: the ports of slot 0, and above them what the person set. */
const startedEnv = () => ({ ...baseEnv(), ...stackEnv(0), ...userSettings() });

/** A command of the product (`reconcile`, `seed`, ...) on the stack of `npm start`. */
function runProduct(args: readonly string[]): Promise<number> {
  const entry = join(REPO_ROOT, 'dist', 'processes', 'main.js');
  return runChild(process.execPath, ['--enable-source-maps', entry, ...args], startedEnv());
}

/** Subcommands of the Temporal CLI that talk to a server; the others do not know the option. */
const TEMPORAL_CLIENTS = ['activity', 'batch', 'operator', 'schedule', 'task-queue', 'worker', 'workflow'];

function runTemporal(args: readonly string[]): Promise<number> {
  const file = temporalCliPath();
  if (!existsSync(file)) {
    const text = 'the Temporal CLI is not there yet: "npm start" compiles it once';
    return Promise.resolve(print(text, 1));
  }
  const env = startedEnv();
  const isClient = TEMPORAL_CLIENTS.includes(args[0] ?? '');
  const hasOwn = args.some((arg) => arg === '--address' || arg.startsWith('--address='));
  const address = isClient && !hasOwn ? ['--address', env.TEMPORAL_ADDRESS ?? ''] : [];
  return runChild(file, [...args, ...address], env);
}

/** The story of the whole business flow, on the stack of `npm start`. It knows addresses only. */
function runDemo(args: readonly string[]): Promise<number> {
  const entry = join(REPO_ROOT, 'dist', 'outside', 'demo', 'main.js');
  const env = startedEnv();
  const { providers } = portsOf(0);
  const stage = {
    'console-url': env.CONSOLE_URL,
    'ad-server-url': env.AD_SERVER_URL,
    'providers-url': `http://127.0.0.1:${providers}`,
    'temporal-cli': temporalCliPath(),
    'temporal-address': env.TEMPORAL_ADDRESS,
  };
  const addresses = Object.entries(stage).map(([name, value]) => `--${name}=${value ?? ''}`);
  return runChild(process.execPath, ['--enable-source-maps', entry, ...addresses, ...args], env);
}

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The child has this terminal. Ctrl-C reaches it by itself; a signal to this process alone is passed on. */
async function runChild(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(file, args, { cwd: REPO_ROOT, env, stdio: 'inherit' });
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of PASSED_ON) process.on(signal, passOn);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn);
  }
}

function print(text: string, code: number): number {
  process.stdout.write(`${text}\n`);
  return code;
}

/** Ends the supervisor by its id, waits until it has ended everything else, and ends what it left behind. */
async function stop(slot: number): Promise<number> {
  const holder = slotHolder(slot);
  if (holder !== undefined) {
    process.kill(holder.pid, 'SIGTERM');
    const deadline = Date.now() + STOP_DEADLINE_MS;
    while (slotHolder(slot)?.pid === holder.pid) {
      if (Date.now() > deadline)
        return print(`process ${holder.pid} is still there after ${STOP_DEADLINE_MS / 1_000} s`, 1);
      await sleep(STOP_POLL_MS);
    }
  }
  const text = `slot ${slot} ${holder === undefined ? 'is not running' : 'has stopped'}`;
  return (await inFreeSlot(slot, () => undefined)) ? print(text, 0) : printTaken(slot);
}

/**
 * Takes the slot, ends the children of a supervisor that was killed, and does the work while nobody else can start.
 * @returns false, with nothing done, when the slot is in use.
 */
async function inFreeSlot(slot: number, work: () => void): Promise<boolean> {
  const release = tryLock(slotLockPath(slot), { slot, dataDir: slotDataDir(slot) });
  if (release === undefined) return false;
  try {
    await endLeftovers(slot);
    work();
    return true;
  } finally {
    release();
  }
}

function printTaken(slot: number): number {
  const pid = slotHolder(slot)?.pid;
  return print(`slot ${slot} is in use${pid === undefined ? '' : ` by process ${pid}`}: stop it first`, 1);
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
  if (slotHolder(slot) !== undefined) return printTaken(slot);
  const folder = slotDataDir(slot);
  const hasData = existsSync(folder);
  if (hasData && !yes && !(await confirmed(`Delete all data in ${folder}? [y/N] `)))
    return print('nothing was deleted', 1);
  const done = await inFreeSlot(slot, () => rmSync(folder, { recursive: true, force: true }));
  if (!done) return printTaken(slot);
  return print(hasData ? `deleted ${folder}` : `there is no data in ${folder}`, 0);
}

async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
