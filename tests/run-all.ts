import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { REPO_ROOT } from '../stack/bootstrap/places.mjs';

/**
 * `npm test`: the checks without a stack, then everything against the real components on a slot of its own.
 * Ends with the line "N passed, N failed". A step that is no test runner counts as one.
 */
interface Tally {
  passed: number;
  failed: number;
}

const CHECKS = ['check:style', 'check:types', 'check:layers', 'check:unused'] as const;

async function main(): Promise<number> {
  const results = mkdtempSync(join(tmpdir(), 'ads-test-'));
  const tally: Tally = { passed: 0, failed: 0 };
  try {
    for (const check of CHECKS) await runCheck(check, tally);
    const run = (project: string, output: 'inherit' | 'pipe' = 'inherit') =>
      runTests(project, join(results, project), tally, output);
    await run('unit');
    // Both wait more than they work. What the second one says is told when it is done, in one piece.
    await Promise.all([run('integration'), run('flink', 'pipe').then(() => run('java', 'pipe'))]);
    await run('e2e');
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

async function runCheck(script: string, tally: Tally): Promise<void> {
  const started = Date.now();
  const { exitCode } = await execa('npm', ['run', '-s', script], {
    cwd: REPO_ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  tally[exitCode === 0 ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${exitCode === 0 ? 'ok  ' : 'FAIL'} ${script} ${seconds(started)}\n`);
}

/** A run that dies without a report is a failure; so is a skipped test. */
async function runTests(
  project: string,
  report: string,
  tally: Tally,
  output: 'inherit' | 'pipe',
): Promise<void> {
  const started = Date.now();
  const { exitCode, all } = await execa(
    'npx',
    [
      'vitest',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: REPO_ROOT, stdio: ['ignore', output, output], all: output === 'pipe', reject: false },
  );
  if (all !== undefined) process.stdout.write(`${all}\n`);
  const counts = readReport(report);
  tally.passed += counts.passed;
  tally.failed += counts.failed + (exitCode !== 0 && counts.failed === 0 ? 1 : 0);
  process.stdout.write(
    `${exitCode === 0 && counts.failed === 0 ? 'ok  ' : 'FAIL'} ${project} tests: ${counts.passed} passed, ${counts.failed} failed ${seconds(started)}\n`,
  );
}

function readReport(file: string): Tally {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
    return { passed: report.numPassedTests ?? 0, failed: (report.numFailedTests ?? 0) + skipped };
  } catch (error) {
    process.stderr.write(`no test report: ${String(error)}\n`);
    return { passed: 0, failed: 1 };
  }
}

const seconds = (since: number) => `(${((Date.now() - since) / 1000).toFixed(1)} s)`;

process.exitCode = await main();
