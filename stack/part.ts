import type { GetResult } from './bootstrap/get-once.mjs';
import type { Ports } from './slots.js';

/** What a part may know about where it runs. */
export interface SlotContext {
  readonly slot: number;
  readonly ports: Ports;
  /** All data of this slot; a part keeps to its own folder below. */
  readonly dataDir: string;
  /** What every process of the slot gets: see `stackEnv`. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** Something downloaded or compiled, kept in the cache and shared by all slots. */
export interface Artefact {
  readonly name: string;
  readonly version: string;
  /** Where it comes from, for the summary. */
  readonly source: string;
  /** Fills the cache; returns at once when it is there. `say` receives progress lines. */
  readonly get: (say: (line: string) => void) => Promise<GetResult>;
}

/** One row of the component table. */
export interface Part {
  readonly name: string;
  readonly version: string;
  readonly kind: 'service' | 'once';
  readonly artefacts: readonly Artefact[];
  /** Names of parts that must be ready (or done) before this one starts. */
  readonly needs: readonly string[];
  /** The port that `status` shows. */
  readonly port?: keyof Ports;
  /** Folders, configuration files, first initialisation: once per supervisor, before the first start. */
  readonly prepare: (context: SlotContext) => Promise<void>;
  readonly command: (context: SlotContext) => Command;
  /** Polled until true; a throw counts as "not yet" and is shown when the deadline passes. */
  readonly ready: (context: SlotContext) => Promise<boolean>;
  readonly readyDeadlineMs: number;
  /** Runs after each start when the part answers (roles, for example); may be repeated. A throw means not ready. */
  readonly settle?: (context: SlotContext) => Promise<void>;
  readonly stop: { readonly signal: NodeJS.Signals; readonly timeoutMs: number };
}
