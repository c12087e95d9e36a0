import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, freemem, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { REPO_ROOT, VERSIONS } from '../stack/bootstrap/places.mjs';
import { table } from '../stack/bootstrap/summary.mjs';
import { type BenchRow, isReached, targetText } from './bench-row.js';

/** What the figures were measured on: without it they say nothing. */
interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryGiB: number;
  readonly freeGiB: number;
  readonly system: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly loadBefore: number;
}

const GIB = 1_024 ** 3;

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cores: cores.length,
    model: cores[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / GIB),
    freeGiB: Math.round(freemem() / GIB),
    system: `${type()} ${release()}`,
    node: process.version,
    versions: {
      postgres: VERSIONS.postgres,
      redis: VERSIONS.redis,
      kafka: VERSIONS.kafka,
      flink: VERSIONS.flink,
    },
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

const HEADINGS = ['what', 'against', 'reached', 'target', ''];

const figure = ({ ratio, unit }: BenchRow) => {
  if (ratio >= 1_000) return `${Math.round(ratio)} ${unit}`;
  return `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)} ${unit}`;
};

const cells = (row: BenchRow): string[] => [
  row.what,
  row.against,
  figure(row),
  targetText(row.target, row.unit),
  row.target === null ? 'told' : isReached(row) ? 'ok' : 'MISSED',
];

export function resultTable(rows: readonly BenchRow[]): string {
  return table([HEADINGS, ...rows.map(cells)]);
}

/** One miss and its profile. */
function profileText({ what, against, profile }: BenchRow): string[] {
  if (profile === undefined) return [];
  return [
    `## Profile: ${what}${against === '' ? '' : `, against ${against}`}`,
    '',
    ...profile.map((line) => `- ${line}`),
    '',
  ];
}

/** `bench/results/<day>-<name>.md` and `.json`. @returns their path without the ending. */
export function writeResults(
  name: string,
  machine: Machine,
  rows: readonly BenchRow[],
  minutes: number,
): string {
  const folder = join(REPO_ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const day = new Date().toISOString().slice(0, 10);
  const path = join(folder, `${day}-${name}`);
  const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`;
  const text = [
    `# Benchmark ${name}, ${day}`,
    '',
    `${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; ${Object.entries(
      machine.versions,
    )
      .map(([part, version]) => `${part} ${version}`)
      .join(', ')}. Load before the start ${machine.loadBefore}; took ${minutes.toFixed(1)} min.`,
    '',
    'Both sides of a ratio ran in turn in one run; the figure is the median of the paired ratios. The machine is shared: compare ratios, not absolute figures.',
    '',
    line([...HEADINGS, 'in detail']),
    line(['---', '---', '---:', '---:', '---', '---']),
    ...rows.map((row) => line([...cells(row), row.details])),
    '',
    ...rows.flatMap(profileText),
  ].join('\n');
  writeFileSync(`${path}.md`, text);
  writeFileSync(`${path}.json`, `${JSON.stringify({ name, day, machine, rows }, null, 2)}\n`);
  return path;
}
