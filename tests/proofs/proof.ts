import type { FlinkMode } from '../../stack/components/flink.js';
import type { Stack } from '../../stack/start-stack.js';

/** A full-size proof: one file, one command, PASS or FAIL. */
export interface Proof {
  readonly name: string;
  /** One sentence: what is true of the system when this passes. */
  readonly proves: string;
  /** Parameters with their defaults; `--name value` on the command line. */
  readonly params: Readonly<Record<string, string | number>>;
  /** Which parts of the stack it needs; all by default. */
  readonly parts?: readonly string[];
  /** Flink in one JVM (default), or in the three processes of production. */
  readonly flink?: FlinkMode;
  /** Settings above those of the slot. */
  readonly env?: Readonly<Record<string, string>>;
  run(context: ProofContext): Promise<void>;
}

export interface ProofContext {
  readonly stack: Stack;
  readonly seed: number;
  /** Deterministic for a seed, in [0, 1). */
  readonly random: () => number;
  readonly text: (param: string) => string;
  readonly number: (param: string) => number;
  /** Prints a heading of what is being shown now. */
  step(title: string): void;
  /** Prints a measured figure. */
  figure(name: string, value: string | number): void;
  /** Counts and prints one assertion. Goes on after a failure, so that all are seen. */
  check(title: string, ok: boolean, detail?: string): void;
}

/** Small, fast, well-distributed generator (mulberry32): the same seed gives the same run everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
