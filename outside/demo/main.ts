import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { DEMO } from '../../contracts/demo.js';
import type { Stage } from './stage.js';
import { playStory } from './story.js';

/** `npm run demo`: tells the whole business flow on a running system, step by step, with ids, amounts and times. */
const USAGE = `npm run demo

Plays the whole business flow against the running system ("npm start" first), over HTTP and with the Temporal CLI:
a company applies, is rejected, corrects and is approved; tops up by card and bank transfer; builds a campaign that is
reviewed twice; its ads are served, clicked, charged and lead to orders; money runs out and comes back; the day and the
month are settled, and the tax invoice is accepted.

It moves the business clock to the first of the next month, for everybody. Takes about two minutes.
`;

const OPTIONS = {
  'console-url': { type: 'string' },
  'ad-server-url': { type: 'string' },
  'providers-url': { type: 'string' },
  'temporal-cli': { type: 'string' },
  'temporal-address': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const startedAt = Date.now();
  const tally = { passed: 0, failed: 0 };
  const stage = createStage(values, tally, startedAt);
  try {
    await playStory(stage);
  } catch (error) {
    tally.failed += 1;
    process.stdout.write(`\n  stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  process.stdout.write(`\n${tally.passed} checks held, ${tally.failed} failed, ${seconds} s\n`);
  return tally.failed === 0 ? 0 : 1;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function createStage(values: Values, tally: { passed: number; failed: number }, startedAt: number): Stage {
  const at = () => `${((Date.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s`;
  const line = (mark: string, what: string, detail = '') =>
    process.stdout.write(`${at()}  ${mark} ${what}${detail === '' ? '' : `: ${detail}`}\n`);
  const text = (name: string) => String(values[name] ?? '');
  const run = promisify(execFile);
  return {
    consoleUrl: text('console-url'),
    adServerUrl: text('ad-server-url'),
    providersUrl: text('providers-url'),
    shopApiKey: DEMO.shopApiKey,
    temporal: async (args) =>
      (await run(text('temporal-cli'), [...args, '--address', text('temporal-address')])).stdout,
    chapter: (title) => process.stdout.write(`\n${title}\n`),
    tell: (what, detail) => line('·', what, detail),
    check: (claim, held, detail) => {
      tally[held ? 'passed' : 'failed'] += 1;
      line(held ? '✓' : '✗', claim, detail);
      if (!held) throw new Error(`this does not hold: ${claim}`);
    },
  };
}

process.exitCode = await main(process.argv.slice(2));
