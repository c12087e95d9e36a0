import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slotDataDir } from './bootstrap/places.mjs';
import type { FlinkMode } from './components/flink.js';
import { allParts, artefactsOf, components, withNeeds } from './components.js';
import type { Part, SlotContext } from './part.js';
import { acquireSlot, type Ports, portsOf, type SlotLock } from './slots.js';
import { externalParts, stackEnv, userSettings } from './stack-env.js';
import { type PartStatus, SupervisedPart } from './supervised-part.js';

export interface StackOptions {
  /** A number, or a lock that `acquireFreeSlot` gave; the stack releases it when it stops. */
  readonly slot: number | SlotLock;
  /** Names from the table with all that they need; `['components']` for the engines only; default: everything. */
  readonly parts?: readonly string[];
  readonly flink?: FlinkMode;
  /** Runs the one-shot step `seed` after `migrate`. */
  readonly seed?: boolean;
  /** Above the environment of the slot, for every process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Deletes what an earlier run left in this slot; refused for slot 0, whose data belongs to a person. */
  readonly fresh?: boolean;
  readonly quiet?: boolean;
  /** Receives the handle before anything runs, so that Ctrl-C can end a start half way. */
  readonly onStack?: (stack: Stack) => void;
}

export interface Stack {
  readonly slot: number;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: Ports;
  readonly dataDir: string;
  /** Names that addresses in `.env` replace. */
  readonly external: readonly string[];
  parts(): PartStatus[];
  pidOf(part: string): number;
  /** Signals the whole process group of a part; the supervisor brings it back. */
  kill(part: string, signal: NodeJS.Signals): void;
  restart(part: string): Promise<void>;
  waitReady(part: string, deadlineMs: number): Promise<void>;
  stop(): Promise<void>;
}

const RESTART_DEADLINE_MS = 120_000;

/**
 * Starts parts of the stack in the order of their needs, side by side where possible. Used by `npm start` and by
 * the tests alike. When a part cannot start, everything is stopped again and the error carries its log.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const lock = typeof options.slot === 'number' ? await acquireSlot(options.slot) : options.slot;
  const stack = new RunningStack(lock, options);
  process.once('exit', stack.killAll);
  options.onStack?.(stack);
  try {
    await stack.start();
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** Puts the artefacts of these parts into the cache, when they are not there. */
export async function getArtefacts(parts: readonly Part[], say: (line: string) => void): Promise<void> {
  await Promise.all(artefactsOf(parts, false).map((artefact) => artefact.get(say)));
}

class RunningStack implements Stack {
  readonly slot: number;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: Ports;
  readonly dataDir: string;
  readonly external: readonly string[];
  private readonly supervised: SupervisedPart[];
  private readonly say: (line: string) => void;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly lock: SlotLock,
    options: StackOptions,
  ) {
    this.slot = lock.slot;
    this.ports = portsOf(lock.slot);
    this.dataDir = slotDataDir(lock.slot);
    // Only `npm start` (slot 0) may be pointed at other people's servers.
    const settings = lock.slot === 0 ? userSettings() : {};
    this.external = externalParts(settings);
    this.env = { ...stackEnv(lock.slot), ...settings, ...options.env };
    this.say = options.quiet === true ? () => undefined : (line) => process.stdout.write(`${line}\n`);
    if (options.fresh === true) {
      if (lock.slot === 0) throw new Error('slot 0 is never emptied by a start');
      rmSync(this.dataDir, { recursive: true, force: true });
    }
    mkdirSync(this.dataDir, { recursive: true });
    // PostgreSQL may run as another user, who must be able to walk down to its folder.
    chmodSync(this.dataDir, 0o755);
    const context: SlotContext = { slot: this.slot, ports: this.ports, dataDir: this.dataDir, env: this.env };
    const hooks = { say: this.say, changed: () => this.writeStatus() };
    this.supervised = [];
    for (const part of this.selectParts(options))
      this.supervised.push(new SupervisedPart(part, context, hooks));
  }

  private selectParts(options: StackOptions): Part[] {
    const flink = options.flink ?? 'one';
    const table = allParts({ flink, seed: options.seed ?? false });
    const engineNames = components(flink).map((part) => part.name);
    const wanted = (options.parts ?? table.map((part) => part.name)).flatMap((name) =>
      name === 'components' ? engineNames : [name],
    );
    const isExternal = (name: string) =>
      this.external.some((own) => name === own || name.startsWith(`${own}-`));
    return withNeeds(table, wanted).filter((part) => !isExternal(part.name));
  }

  async start(): Promise<void> {
    await getArtefacts(
      this.supervised.map((one) => one.part),
      this.say,
    );
    const started = new Map<string, Promise<void>>();
    // The table lists needs before those who need them, so that every promise exists when it is asked for.
    for (const one of this.supervised) started.set(one.part.name, this.startAfterNeeds(one, started));
    await Promise.all(started.values());
  }

  private async startAfterNeeds(
    one: SupervisedPart,
    started: ReadonlyMap<string, Promise<void>>,
  ): Promise<void> {
    await Promise.all(one.part.needs.map((name) => started.get(name)));
    if (this.stopping !== undefined) throw new Error('stopped while starting');
    await one.start();
    const { state, readyAfterMs, port } = one.status();
    const where = port === undefined ? '' : ` on port ${port}`;
    this.say(
      `${one.part.name}: ${state}${where}${readyAfterMs === undefined ? '' : ` after ${(readyAfterMs / 1_000).toFixed(1)} s`}`,
    );
  }

  parts(): PartStatus[] {
    return this.supervised.map((one) => one.status());
  }

  pidOf(part: string): number {
    const { pid } = this.find(part).status();
    if (pid === undefined) throw new Error(`${part} is not running`);
    return pid;
  }

  kill(part: string, signal: NodeJS.Signals): void {
    this.find(part).kill(signal);
  }

  restart(part: string): Promise<void> {
    return this.find(part).restart(RESTART_DEADLINE_MS);
  }

  waitReady(part: string, deadlineMs: number): Promise<void> {
    return this.find(part).waitReady(deadlineMs);
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** In the opposite order: first those whom nobody needs. */
  private async stopAll(): Promise<void> {
    const stopped = new Map<string, Promise<void>>();
    for (const one of [...this.supervised].reverse()) {
      const users = this.supervised.filter((other) => other.part.needs.includes(one.part.name));
      stopped.set(
        one.part.name,
        this.stopAfterUsers(
          one,
          users.map((user) => stopped.get(user.part.name)),
        ),
      );
    }
    await Promise.all(stopped.values());
    this.writeStatus();
    process.off('exit', this.killAll);
    this.lock.release();
  }

  private async stopAfterUsers(
    one: SupervisedPart,
    users: readonly (Promise<void> | undefined)[],
  ): Promise<void> {
    await Promise.all(users);
    await one.stop();
  }

  /** When this process ends without `stop`, nothing of the stack may stay. */
  readonly killAll = (): void => {
    for (const one of this.supervised) one.killNow();
  };

  private find(part: string): SupervisedPart {
    const found = this.supervised.find((one) => one.part.name === part);
    if (found === undefined) throw new Error(`${part} is not part of this stack`);
    return found;
  }

  /** `status` in another terminal reads this file; a rename never shows half of it. */
  private writeStatus(): void {
    const path = statusPath(this.dataDir);
    writeFileSync(
      `${path}.draft`,
      JSON.stringify({ external: this.external, parts: this.supervised.map((one) => one.status()) }),
    );
    renameSync(`${path}.draft`, path);
  }
}

export const statusPath = (dataDir: string) => join(dataDir, 'status.json');
