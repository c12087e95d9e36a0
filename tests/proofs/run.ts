import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { acquireFreeSlot } from '../../stack/slots.js';
import { startStack } from '../../stack/start-stack.js';
import { type Proof, type ProofContext, seededRandom } from './proof.js';

/** `npm run verify -- <proof> [--seed N] [--param value]`: a stack of its own, figures, PASS or FAIL. */
async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const proofs = await loadProofs();
  const proof = proofs.find((candidate) => candidate.name === name);
  if (proof === undefined) {
    process.stdout.write(`usage: npm run verify -- <proof> [--seed N] [--param value]\n\n`);
    for (const { name: title, proves, params } of proofs) {
      const options = Object.entries(params).map(([key, value]) => `--${key} ${value}`);
      process.stdout.write(`  ${title.padEnd(10)} ${proves}\n             ${options.join(' ')}\n`);
    }
    return name === undefined || name === '--help' ? 0 : 2;
  }
  return runProof(proof, rest);
}

async function loadProofs(): Promise<Proof[]> {
  const here = new URL('.', import.meta.url);
  const files = readdirSync(here).filter((file) => /\.proof\.(ts|js)$/.test(file));
  return Promise.all(
    files.sort().map(async (file) => ((await import(new URL(file, here).href)) as { proof: Proof }).proof),
  );
}

async function runProof(proof: Proof, rest: readonly string[]): Promise<number> {
  const names = ['seed', ...Object.keys(proof.params)];
  const { values } = parseArgs({
    args: [...rest],
    options: Object.fromEntries(names.map((option) => [option, { type: 'string' as const }])),
  });
  const seed = Number(values.seed ?? 1);
  const value = (param: string) => {
    const found = values[param] ?? proof.params[param];
    if (found === undefined) throw new Error(`proof ${proof.name} has no parameter ${param}`);
    return String(found);
  };
  const tally = { passed: 0, failed: 0 };
  process.stdout.write(`proof ${proof.name}, seed ${seed}: ${proof.proves}\n`);
  const started = Date.now();
  const slot = await acquireFreeSlot();
  const stack = await startStack({
    slot,
    fresh: true,
    quiet: true,
    // A proof is the only shopper, unless it says otherwise.
    env: { SHOP_TRAFFIC: 'off', ...proof.env },
    ...(proof.parts ? { parts: proof.parts } : {}),
    ...(proof.flink ? { flink: proof.flink } : {}),
  });
  process.stdout.write(`  stack ready on slot ${stack.slot} after ${seconds(started)} s\n`);
  const context: ProofContext = {
    stack,
    seed,
    random: seededRandom(seed),
    text: value,
    number: (param) => Number(value(param)),
    step: (title) => process.stdout.write(`\n${title}\n`),
    figure: (title, figure) => process.stdout.write(`  ${title}: ${figure}\n`),
    check: (title, ok, detail) => {
      tally[ok ? 'passed' : 'failed'] += 1;
      process.stdout.write(
        `  ${ok ? 'ok  ' : 'FAIL'} ${title}${detail === undefined || detail === '' ? '' : ` (${detail})`}\n`,
      );
    },
  };
  try {
    await proof.run(context);
  } catch (error) {
    tally.failed += 1;
    process.stdout.write(
      `  FAIL ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  } finally {
    await stack.stop();
  }
  const passed = tally.failed === 0 && tally.passed > 0;
  process.stdout.write(
    `\n${passed ? 'PASS' : 'FAIL'} ${proof.name} seed ${seed}: ${tally.passed} checks held, ${tally.failed} failed, ${seconds(started)} s\n`,
  );
  return passed ? 0 : 1;
}

const seconds = (since: number) => ((Date.now() - since) / 1000).toFixed(1);

process.exitCode = await main(process.argv.slice(2));
