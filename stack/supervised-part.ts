import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { forgetChild, killGroup, recordChild, signalGroup } from './leftovers.js';
import { openLog, type PartLog } from './logs.js';
import type { Part, SlotContext } from './part.js';
import { baseEnv } from './stack-env.js';

export type PartState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'done'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'failed';

export interface PartStatus {
  readonly part: string;
  readonly version: string;
  readonly state: PartState;
  readonly pid?: number;
  readonly port?: number;
  readonly restarts: number;
  /** When the running process was started, epoch ms. */
  readonly startedAtMs?: number;
  /** From launch to ready, of the latest start. */
  readonly readyAfterMs?: number;
}

export interface SupervisorHooks {
  readonly say: (line: string) => void;
  readonly changed: () => void;
}

const POLL_MS = 100;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A process that lived this long starts again with the shortest delay. */
const STABLE_MS = 60_000;
/** Before it was ever ready, a part that ends this often is broken: the start fails and shows its log. */
const MAX_FIRST_ATTEMPTS = 3;

/** Signals after which a process is expected to be gone: only the next one counts as ready again. */
const ENDING: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT'];

interface Exit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly message: string;
}

/** Keeps one part of the table running, in a process group of its own, until it is told to stop. */
export class SupervisedPart {
  private state: PartState = 'waiting';
  private exited: Promise<Exit> | undefined;
  private pid: number | undefined;
  private restarts = 0;
  private startedAtMs: number | undefined;
  private readyAfterMs: number | undefined;
  private wanted = false;
  private wake = new AbortController();
  private loop: Promise<void> | undefined;
  private lastProbeError = '';
  private readonly log: PartLog;

  constructor(
    readonly part: Part,
    private readonly context: SlotContext,
    private readonly hooks: SupervisorHooks,
  ) {
    this.log = openLog(context.dataDir, part.name);
  }

  status(): PartStatus {
    return {
      part: this.part.name,
      version: this.part.version,
      state: this.state,
      restarts: this.restarts,
      ...(this.pid === undefined ? {} : { pid: this.pid }),
      ...(this.part.port === undefined ? {} : { port: this.context.ports[this.part.port] }),
      ...(this.startedAtMs === undefined || this.pid === undefined ? {} : { startedAtMs: this.startedAtMs }),
      ...(this.readyAfterMs === undefined ? {} : { readyAfterMs: this.readyAfterMs }),
    };
  }

  /** Resolves when it is ready (or done); rejects with the end of its log when it cannot start. */
  async start(): Promise<void> {
    this.wanted = true;
    this.wake = new AbortController();
    this.setState('starting');
    await this.part.prepare(this.context);
    await new Promise<void>((resolve, reject) => {
      this.loop = this.keepAlive(resolve).catch((error: unknown) => {
        this.setState(this.wanted ? 'failed' : 'stopped');
        reject(error);
      });
    });
  }

  /** Asks politely, waits, then kills the whole group. */
  async stop(): Promise<void> {
    this.wanted = false;
    this.wake.abort();
    const { pid } = this;
    if (pid !== undefined) {
      this.setState('stopping');
      signalProcess(pid, this.part.stop.signal);
      if (!(await this.exitedWithin(this.part.stop.timeoutMs))) {
        this.hooks.say(`${this.part.name}: still there after ${this.part.stop.timeoutMs} ms, killing it`);
        signalGroup(pid, 'SIGKILL');
      }
    }
    await this.loop;
    if (this.state !== 'done' && this.state !== 'failed') this.setState('stopped');
    await this.log.close();
  }

  /** For fault tests and restarts: the supervisor then brings the part back. */
  kill(signal: NodeJS.Signals): void {
    if (this.pid === undefined) throw new Error(`${this.part.name} is not running`);
    if (ENDING.includes(signal)) this.setState('restarting');
    signalGroup(this.pid, signal);
  }

  /** Ends the running process in order and waits until the next one is ready. */
  async restart(deadlineMs: number): Promise<void> {
    const { pid } = this;
    if (pid === undefined) throw new Error(`${this.part.name} is not running`);
    signalProcess(pid, this.part.stop.signal);
    if (!(await this.exitedWithin(this.part.stop.timeoutMs))) signalGroup(pid, 'SIGKILL');
    await this.waitUntil(() => this.pid !== pid && this.state === 'ready', deadlineMs);
  }

  async waitReady(deadlineMs: number): Promise<void> {
    await this.waitUntil(() => this.state === 'ready' || this.state === 'done', deadlineMs);
  }

  /** The last resort when this process itself must end at once. */
  killNow(): void {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGKILL');
  }

  private async waitUntil(condition: () => boolean, deadlineMs: number): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`${this.part.name} is ${this.state} after ${deadlineMs} ms\n${this.log.tail()}`);
      await sleep(POLL_MS);
    }
  }

  private async exitedWithin(timeoutMs: number): Promise<boolean> {
    const { exited } = this;
    if (exited === undefined) return true;
    const timer = new AbortController();
    const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
    const inTime = await Promise.race([exited.then(() => true), late]);
    timer.abort();
    return inTime;
  }

  private async keepAlive(firstReady: () => void): Promise<void> {
    let everReady = false;
    let backoffMs = FIRST_BACKOFF_MS;
    for (let attempt = 1; this.wanted; attempt += 1) {
      const { exit, wasReady } = await this.runOnce(() => {
        everReady = true;
        firstReady();
      });
      if (this.part.kind === 'once' && exit.code === 0) {
        this.setState('done');
        firstReady();
        return;
      }
      if (!this.wanted) break;
      if (!everReady && attempt >= MAX_FIRST_ATTEMPTS) throw this.startFailure(exit);
      const livedMs = Date.now() - (this.startedAtMs ?? Date.now());
      if (wasReady && livedMs > STABLE_MS) backoffMs = FIRST_BACKOFF_MS;
      this.restarts += 1;
      this.setState('restarting');
      this.hooks.say(`${this.part.name}: ended (${describe(exit)}), starting again in ${backoffMs} ms`);
      await this.pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
    // Stopped before it was ever ready: whoever waits for the start must not wait for ever.
    if (!everReady) throw new Error(`${this.part.name} was stopped before it was ready`);
  }

  /** One life of the process: launch, probe, and wait for its end. */
  private async runOnce(onReady: () => void): Promise<{ exit: Exit; wasReady: boolean }> {
    const life = { ended: false };
    const exited = this.launch().then((exit) => {
      life.ended = true;
      return exit;
    });
    this.exited = exited;
    const wasReady = this.part.kind === 'service' && (await this.becomesReady(life, exited));
    if (wasReady) onReady();
    else if (!life.ended && this.part.kind === 'service') this.giveUp();
    const exit = await exited;
    if (this.pid === undefined) this.log.line(exit.message);
    else await this.afterExit(this.pid);
    return { exit, wasReady };
  }

  private async launch(): Promise<Exit> {
    const command = this.part.command(this.context);
    this.startedAtMs = Date.now();
    this.lastProbeError = '';
    const child = execa(command.file, [...command.args], {
      detached: true,
      reject: false,
      buffer: false,
      stdin: 'ignore',
      extendEnv: false,
      env: { ...baseEnv(), ...this.context.env, ...command.env },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    });
    this.pid = child.pid;
    if (child.pid !== undefined) recordChild(this.context.slot, this.part.name, child.pid);
    this.log.attach(child.stdout);
    this.log.attach(child.stderr);
    if (this.wanted) this.setState(this.restarts === 0 ? 'starting' : 'restarting');
    const result = await child;
    return {
      code: result.exitCode,
      signal: result.signal,
      message: result.failed ? (result.message ?? '') : '',
    };
  }

  private async becomesReady(life: { readonly ended: boolean }, exited: Promise<Exit>): Promise<boolean> {
    // Who ends while being asked may never answer.
    const ended = exited.then(() => false);
    const launchedAtMs = Date.now();
    while (!life.ended && this.wanted && Date.now() - launchedAtMs < this.part.readyDeadlineMs) {
      // It may have ended while the probe ran, or somebody else may have answered on its port.
      if ((await Promise.race([this.probe(), ended])) && !life.ended && this.wanted) {
        this.readyAfterMs = Date.now() - launchedAtMs;
        this.setState('ready');
        return true;
      }
      await this.pause(POLL_MS);
    }
    return false;
  }

  private async probe(): Promise<boolean> {
    try {
      if (!(await this.part.ready(this.context))) return false;
      await this.part.settle?.(this.context);
      return true;
    } catch (error) {
      this.lastProbeError = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  private giveUp(): void {
    if (!this.wanted) return;
    this.hooks.say(
      `${this.part.name}: not ready after ${this.part.readyDeadlineMs} ms (${this.lastProbeError})`,
    );
    this.killNow();
  }

  /** Nothing of the group may outlive its leader: the next start needs the port. */
  private async afterExit(pid: number): Promise<void> {
    await killGroup(pid);
    forgetChild(this.context.slot, this.part.name);
    this.exited = undefined;
    this.pid = undefined;
    this.hooks.changed();
  }

  private startFailure(exit: Exit): Error {
    const probe = this.lastProbeError === '' ? '' : `\nlast probe: ${this.lastProbeError}`;
    return new Error(
      `${this.part.name} does not start (${describe(exit)})${probe}\n${this.log.path}:\n${this.log.tail()}`,
    );
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.wake.signal }).catch((error: unknown) => {
      if (!this.wake.signal.aborted) throw error;
    });
  }

  private setState(state: PartState): void {
    this.state = state;
    this.hooks.changed();
  }
}

/** The process may have ended a moment ago: then there is nothing to signal. */
function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function describe(exit: Exit): string {
  return exit.signal === undefined ? `code ${exit.code ?? 'unknown'}` : exit.signal;
}
