import { relative } from 'node:path';
import { REPO_ROOT } from '../stack/bootstrap/places.mjs';
import { acquireFreeSlot } from '../stack/slots.js';
import { type Stack, startStack } from '../stack/start-stack.js';
import { type BenchRow, isReached } from './bench-row.js';
import { benchCharging } from './charge-clicks.js';
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
const BENCHMARKS: Readonly<Record<string, Parts>> = { serving: SERVING };

/** Not what is measured, and far below what a benchmark asks. */
const NO_LIMIT = '1000000';

/** `npm run bench -- serving [part…]`: a stack of its own, both sides in one run, a table with what was reached. */
async function main([name = '', ...only]: readonly string[]): Promise<number> {
  const parts = BENCHMARKS[name];
  const unknown = only.filter((part) => parts?.[part] === undefined);
  if (parts === undefined || unknown.length > 0) {
    const list = Object.entries(BENCHMARKS).map(
      ([title, its]) => `  ${title}  ${Object.keys(its).join(' ')}`,
    );
    process.stdout.write(`usage: npm run bench -- <name> [part…]\n\n${list.join('\n')}\n`);
    return name === '' || name === '--help' ? 0 : 2;
  }
  const machine = describeMachine();
  const startedAt = Date.now();
  const stack = await startStack({
    slot: await acquireFreeSlot(),
    fresh: true,
    quiet: true,
    env: { SHOP_TRAFFIC: 'off', LOG_LEVEL: 'warn', AD_SERVER_REQUESTS_PER_SECOND: NO_LIMIT },
    parts: ['ad-server', 'balance-worker'],
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

async function run(parts: Parts, part: string, stack: Stack): Promise<BenchRow[]> {
  const measure = parts[part];
  if (measure === undefined) throw new Error(`no such part: ${part}`);
  const startedAt = Date.now();
  const rows = await measure(stack);
  process.stdout.write(`${part}, ${((Date.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  for (const { what, against, details } of rows) {
    process.stdout.write(`  ${what}${against === '' ? '' : ` against ${against}`}: ${details}\n`);
  }
  return rows;
}

process.exitCode = await main(process.argv.slice(2));
