import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const MOST_LINES = 25;
const DEPTH = 48;
/** The recorder of the JVM, with the JDK's own ready-made settings: a sample of each busy thread every 10 ms. */
const RECORDING = 'bench';

interface Sample {
  readonly thread: string;
  /** `Class.method`, the innermost first. */
  readonly frames: readonly string[];
}

/** Where the Java code of a process is while `work` runs: by thread, by innermost method, and by methods on the stack. */
export async function profileOfJvm<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly lines: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-jfr-'));
  const file = join(folder, 'bench.jfr');
  try {
    await execa('jcmd', [String(pid), 'JFR.start', `name=${RECORDING}`, 'settings=profile']);
    const stop = () => execa('jcmd', [String(pid), 'JFR.stop', `name=${RECORDING}`, `filename=${file}`]);
    const result = await work().finally(stop);
    const { stdout } = await execa(
      'jfr',
      ['print', '--events', 'jdk.ExecutionSample', '--stack-depth', String(DEPTH), file],
      { maxBuffer: 1_000_000_000 },
    );
    return { result, lines: linesOf(samplesIn(stdout)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function samplesIn(text: string): Sample[] {
  return text
    .split('jdk.ExecutionSample')
    .slice(1)
    .map((event) => ({
      thread: /sampledThread = "([^"]*)"/.exec(event)?.[1] ?? '',
      frames: [...event.matchAll(/^ {4}(?!sampledThread|startTime|state|stackTrace)(\S[^(]*)\(/gm)].map(
        ([, method = '']) => method.trim().replace(/^(.*\.)?([^.]+\.[^.]+)$/, '$2'),
      ),
    }));
}

function linesOf(samples: readonly Sample[]): string[] {
  const top = (title: string, keysOf: (sample: Sample) => Iterable<string>) => {
    const counts = new Map<string, number>();
    for (const sample of samples)
      for (const key of keysOf(sample)) counts.set(key, (counts.get(key) ?? 0) + 1);
    const lines = [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_LINES)
      .map(([key, count]) => `${((100 * count) / samples.length).toFixed(1)} % ${key}`);
    return [title, ...lines];
  };
  return [
    `${samples.length} samples of Java code`,
    ...top('by thread:', ({ thread }) => [thread.slice(0, 90)]),
    ...top('by method, callees not included:', ({ frames }) => frames.slice(0, 1)),
    ...top('by method, callees included:', ({ frames }) => new Set(frames)),
  ];
}
