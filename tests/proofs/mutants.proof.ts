import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';
import type { Proof, ProofContext } from './proof.js';

const RULES = ['domain/charging.ts', 'domain/invalid-click-rules.ts', 'domain/auction.ts'];
const OPERATION = [
  'operations/charge-clicks.ts',
  'operations/charge-clicks-reads.ts',
  'operations/charge-clicks-writes.ts',
];
const REPORT = join(REPO_ROOT, '.stack', 'mutants.json');
const EXPLAINED = join(REPO_ROOT, 'tests', 'mutants', 'explained.json');
const OUTLIVED = ['Survived', 'NoCoverage'];

export const proof: Proof = {
  name: 'mutants',
  proves:
    'each change that a mutation tool makes to the rules and to the charge operation is noticed by a test, or explained',
  params: { of: 'all' },
  parts: ['postgres'],
  run,
};

const position = z.object({ line: z.number(), column: z.number() });
const reportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().default(''),
          status: z.string(),
          location: z.object({ start: position, end: position }),
        }),
      ),
    }),
  ),
});
/** `places`: how many of the same text in the file may outlive; one more is a new gap, and nobody explained it. */
const explainedSchema = z.array(
  z.object({
    file: z.string(),
    original: z.string(),
    replacement: z.string(),
    places: z.number().int().min(1).default(1),
    why: z.string().min(10),
  }),
);
type Explanation = z.infer<typeof explainedSchema>[number];

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly original: string;
  readonly replacement: string;
  readonly status: string;
}

async function run(context: ProofContext): Promise<void> {
  const of = context.text('of');
  if (of !== 'operation') await mutate(context, 'The rules', RULES, {});
  if (of !== 'rules') {
    await mutate(context, 'The charge operation, on PostgreSQL', OPERATION, {
      ...context.stack.env,
      MUTANTS_WITH_DATABASE: 'yes',
    });
  }
}

async function mutate(
  { step, figure, check }: ProofContext,
  title: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  step(title);
  const { exitCode, all } = await execa('npx', ['stryker', 'run', '--mutate', files.join(',')], {
    cwd: REPO_ROOT,
    env: { ...env },
    all: true,
    reject: false,
  });
  check('the mutation tool ran', exitCode === 0, exitCode === 0 ? '' : all.slice(-1_000));
  if (exitCode !== 0) return;
  const mutants = readReport();
  const explained = explainedSchema.parse(JSON.parse(readFileSync(EXPLAINED, 'utf8')));
  const outlived = mutants.filter(({ status }) => OUTLIVED.includes(status));
  const unexplained = outlived.filter((mutant) => {
    const alike = (other: Mutant | Explanation) =>
      other.file === mutant.file &&
      other.original === mutant.original &&
      other.replacement === mutant.replacement;
    return outlived.filter(alike).length > (explained.find(alike)?.places ?? 0);
  });
  figure(
    'mutants / noticed / explained',
    `${mutants.length} / ${mutants.length - outlived.length} / ${outlived.length - unexplained.length}`,
  );
  for (const { file, line, original, replacement } of unexplained)
    figure(`${file}:${line}`, `${JSON.stringify(original)} became ${JSON.stringify(replacement)}`);
  check('there were mutants', mutants.length > 20);
  check('every one was noticed or is explained', unexplained.length === 0, `${unexplained.length} not`);
}

function readReport(): Mutant[] {
  const { files } = reportSchema.parse(JSON.parse(readFileSync(REPORT, 'utf8')));
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants.map(({ location: { start, end }, replacement, status }) => ({
      file,
      line: start.line,
      original: textBetween(lines, start, end),
      replacement,
      status,
    }));
  });
}

type Position = z.infer<typeof position>;

/** Positions count from 1; the end is behind the last character. */
function textBetween(lines: readonly string[], start: Position, end: Position): string {
  const part = lines.slice(start.line - 1, end.line);
  const last = part.length - 1;
  return part
    .map((line, index) =>
      line.slice(index === 0 ? start.column - 1 : 0, index === last ? end.column - 1 : undefined),
    )
    .join('\n');
}
