import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in these, on every machine that Node and Java run on here. */
const TICKS_PER_SECOND = 100;

interface Spent {
  readonly name: string;
  readonly seconds: number;
}

/** Name and processor seconds out of a `stat` file of Linux; the name may hold spaces and brackets. */
function spentOf(file: string): Spent {
  const text = readFileSync(file, 'utf8');
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  return { name: text.slice(text.indexOf('(') + 1, end), seconds };
}

/** Processor seconds of a process since it began, ended threads included. */
const cpuSecondsOf = (pid: number): number => spentOf(`/proc/${pid}/stat`).seconds;

/** What a JVM spends beside the work, by the names of its threads; the rest is Flink's own. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^C[12] Compiler/, 'just-in-time compilers'],
  [/^(G1 |GC |VM )/, 'garbage collector'],
  [/^(Source: |Source Data|kafka-)/, 'sources'],
];

/**
 * Follows the threads of a process, so that what ended ones spent is known too (to within the pace of `sample`).
 * Linux keeps 15 characters of a name.
 */
export class CpuWatch {
  readonly #first = new Map<string, number>();
  readonly #last = new Map<string, Spent>();
  readonly #totalBefore: number;

  constructor(private readonly pid: number) {
    this.#totalBefore = cpuSecondsOf(pid);
    this.#read((seconds) => seconds);
  }

  /** A thread that was not there before began with nothing. */
  sample(): void {
    this.#read(() => 0);
  }

  #read(firstOf: (seconds: number) => number): void {
    for (const id of readdirSync(`/proc/${this.pid}/task`)) {
      try {
        const spent = spentOf(`/proc/${this.pid}/task/${id}/stat`);
        if (!this.#first.has(id)) this.#first.set(id, firstOf(spent.seconds));
        this.#last.set(id, spent);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }

  /** Processor seconds since the watch began, by thread name, the busiest first. */
  byName(): readonly Spent[] {
    const sums = new Map<string, number>();
    for (const [id, { name, seconds }] of this.#last)
      sums.set(name, (sums.get(name) ?? 0) + seconds - (this.#first.get(id) ?? 0));
    return [...sums].map(([name, seconds]) => ({ name, seconds })).sort((a, b) => b.seconds - a.seconds);
  }

  spent(): { readonly total: number; readonly byKind: Readonly<Record<string, number>> } {
    return { total: cpuSecondsOf(this.pid) - this.#totalBefore, byKind: this.#byKind() };
  }

  #byKind(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { name, seconds } of this.byName()) {
      const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'operators and sinks';
      sums[kind] = (sums[kind] ?? 0) + seconds;
    }
    return sums;
  }
}

const isGone = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
