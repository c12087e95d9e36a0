import { relative } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { REPO_ROOT } from '../stack/bootstrap/places.mjs';
import { acquireFreeSlot } from '../stack/slots.js';
import { type Stack, type StackOptions, startStack } from '../stack/start-stack.js';
import { type BenchRow, isReached } from './bench-row.js';
import { benchCharging } from './charge-clicks.js';
import { FLINK_PARTS, FLINK_STACK } from './flink.js';
import { FLINK_FLAGS, flinkWish } from './flink-wish.js';
import { describeMachine, resultTable, writeResults } from './results.js';
import { benchAdQuery } from './serving-ad-query.js';
import { benchClickAccepted } from './serving-click-accepted.js';
import { benchClickCharged } from './serving-click-charged.js';
import { benchExhausted } from './serving-exhausted.js';
import { benchTokenVerify } from './serving-token-verify.js';
import { benchUnderCharging } from './serving-under-charging.js';

/** What one benchmark measures, in order. `only` runs some of it and writes nothing. */
type Parts = Readonly<Record<string, (stack: Stack) => BenchRow[] | Promise<BenchRow[]>>>;

const SERVING: Parts = {
  token: () => [benchTokenVerify()],
  'ad-query': benchAdQuery,
  'click-accepted': benchClickAccepted,
  'click-charged': benchClickCharged,
  'under-charging': benchUnderCharging,
  exhausted: benchExhausted,
  charging: benchCharging,
};

/** Not what is measured, and far below what a benchmark asks. */
const NO_LIMIT = '1000000';

interface Benchmark {
  readonly partNames: readonly string[];
  readonly stack: Pick<StackOptions, 'flink' | 'parts'>;
  readonly flags: NonNullable<ParseArgsConfig['options']>;
  /** Throws on flags that it cannot understand. */
  parts(flags: unknown): Parts;
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  serving: {
    partNames: Object.keys(SERVING),
    stack: { parts: ['ad-server', 'balance-worker'] },
    flags: {},
    parts: () => SERVING,
  },
  flink: {
    partNames: Object.keys(FLINK_PARTS),
    stack: FLINK_STACK,
    flags: FLINK_FLAGS,
    parts: (flags) => {
      const wish = flinkWish(flags);
      const bound = Object.entries(FLINK_PARTS).map(([part, measure]): [string, Parts[string]] => [
        part,
        (stack) => measure(stack, wish),
      ]);
      return Object.fromEntries(bound);
    },
  },
};

/** `npm run bench -- <name> [part…] [flags]`: a stack of its own, both sides in one run, a table with what was reached. */
async function main([name = '', ...rest]: readonly string[]): Promise<number> {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined) return usage(name);
  const { values, positionals: only } = parseArgs({
    args: rest,
    options: benchmark.flags,
    allowPositionals: true,
  });
  if (only.some((part) => !benchmark.partNames.includes(part))) return usage(name);
  const parts = benchmark.parts(values);
  const machine = describeMachine();
  const startedAt = Date.now();
  const stack = await startStack({
    slot: await acquireFreeSlot(),
    fresh: true,
    quiet: true,
    env: { SHOP_TRAFFIC: 'off', LOG_LEVEL: 'warn', AD_SERVER_REQUESTS_PER_SECOND: NO_LIMIT },
    ...benchmark.stack,
  });
  try {
    // Parts that run in this process read their settings as every process does.
    Object.assign(process.env, stack.env, { ADS_ENV: 'test' });
    const rows: BenchRow[] = [];
    for (const part of only.length > 0 ? only : Object.keys(parts))
      rows.push(...(await run(parts, part, stack)));
    process.stdout.write(`\n${resultTable(rows)}\n`);
    if (only.length === 0) {
      const path = writeResults(name, machine, rows, (Date.now() - startedAt) / 60_000);
      process.stdout.write(`\n${relative(REPO_ROOT, path)}.md, .json\n`);
    }
    return rows.every(isReached) ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

function usage(name: string): number {
  const list = Object.entries(BENCHMARKS).map(([title, { partNames, flags }]) => {
    const options = Object.keys(flags).map((flag) => `[--${flag} …]`);
    return `  ${[title, ...partNames, ...options].join(' ')}`;
  });
  process.stdout.write(`usage: npm run bench -- <name> [part…]\n\n${list.join('\n')}\n`);
  return name === '' || name === '--help' ? 0 : 2;
}

async function run(parts: Parts, part: string, stack: Stack): Promise<BenchRow[]> {
  const measure = parts[part];
  if (measure === undefined) throw new Error(`no such part: ${part}`);
  const startedAt = Date.now();
  const rows = await measure(stack);
  process.stdout.write(`${part}, ${((Date.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  for (const { what, against, details, profile = [] } of rows) {
    process.stdout.write(`  ${what}${against === '' ? '' : ` against ${against}`}: ${details}\n`);
    for (const line of profile) process.stdout.write(`    ${line}\n`);
  }
  return rows;
}

/** Whoever ends this process ends its stack: `exit` is what the stack hears. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));
