#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './bootstrap/build.mjs';
import { cacheRoot, REPO_ROOT } from './bootstrap/places.mjs';
import { printSummary } from './bootstrap/summary.mjs';
import { getTemporalCli } from './bootstrap/temporal-cli.mjs';
import { missingTools } from './bootstrap/tools.mjs';
import { USAGE } from './bootstrap/usage.mjs';

/**
 * The body of every npm script: runs on a fresh clone with nothing but Node, so it imports no package. It checks
 * the tools, gets and builds what is missing, and hands over to `stack/cli.ts` or to the test runner.
 */

const say = (line) => process.stdout.write(`${line}\n`);

/** These only print: with nobody left to read (`status | head`, a closed terminal) there is nothing more to do. */
const PRINTERS = ['status', 'logs', '--help', '-h', 'help'];

/** The others work on in silence: a stack must still stop in order when the reader of its output went first. */
function allowClosedOutput(command) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (PRINTERS.includes(command)) process.exit();
    });
  }
}

/** Their options, `--help` too, are for the program that they run. */
const PASS_ON = ['test', 'verify', 'bench', 'run', 'demo'];

async function main([command = '--help', ...args]) {
  allowClosedOutput(command === 'stack' ? (args[0] ?? '') : command);
  if (command === '--help' || command === '-h' || command === 'help') return say(USAGE);
  const work = COMMANDS[command];
  if (work === undefined) {
    process.stderr.write(`unknown command: ${command}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
  const passesOn =
    PASS_ON.includes(command) || (command === 'stack' && ['run', 'temporal'].includes(args[0]));
  if (!passesOn && (args.includes('--help') || args.includes('-h'))) return say(USAGE);
  return work(args);
}

const COMMANDS = {
  'check-tools': async () => {
    requireTools();
    say('all tools are here');
  },
  // Needs Node only: the Dockerfile uses it, too.
  build: async () => {
    await buildAll(say);
    say('built');
  },
  start: async (args) => {
    await prepare(args.includes('cluster') || args.includes('--flink=cluster') ? 'cluster' : 'one', false);
    await cli(['start', ...args]);
  },
  stop: (args) => builtCli(['stop', ...args]),
  status: (args) => builtCli(['status', ...args]),
  logs: (args) => builtCli(['logs', ...args]),
  reset: (args) => builtCli(['reset', ...args]),
  stack: (args) => builtCli(args),
  test: async (args) => {
    await prepare('one', true);
    process.exitCode = await runBuilt('tests/run-all.js', args);
  },
  run: (args) => builtCli(['run', ...args]),
  demo: (args) => builtCli(['demo', ...args]),
  verify: async (args) => {
    await prepare('one', false);
    process.exitCode = await runBuilt('tests/proofs/run.js', args);
  },
  bench: async (args) => {
    await prepare('one', false);
    process.exitCode = await runBuilt('bench/run.js', args);
  },
};

function requireTools() {
  const missing = missingTools();
  if (missing === undefined) return;
  process.stderr.write(`${missing}\n`);
  process.exit(1);
}

/** Everything until something can start. The Temporal compilation runs beside all else: it takes longest. */
async function prepare(flink, forTests) {
  const startedAt = performance.now();
  requireTools();
  mkdirSync(cacheRoot(), { recursive: true });
  const temporal = getTemporalCli(say);
  // A failing build must be reported at once, not after four minutes of compiling Temporal, and the other way round.
  const built = buildAll(say).then(async (steps) => {
    const { prepareArtefacts } = await importBuilt('stack/prepare.js');
    return [...steps, ...(await prepareArtefacts({ flink, forTests, say }))];
  });
  const [temporalResult, rows] = await Promise.all([temporal, built]);
  // The table got it a second time, out of the cache: the first time is the one that counts.
  const honest = rows.map((row) => (row.name === 'temporal' ? { ...row, ...temporalResult } : row));
  printSummary(honest, (performance.now() - startedAt) / 1_000);
}

const importBuilt = (path) => import(pathToFileURL(join(REPO_ROOT, 'dist', path)).href);

async function cli(args) {
  const { main: runCli } = await importBuilt('stack/cli.js');
  process.exitCode = await runCli(args);
}

async function builtCli(args) {
  if (existsSync(join(REPO_ROOT, 'dist', 'stack', 'cli.js'))) return cli(args);
  process.stderr.write('nothing is built yet: run "npm start" or "node stack/bootstrap.mjs build" first\n');
  process.exitCode = 1;
  return undefined;
}

const runBuilt = (path, args) =>
  run(process.execPath, ['--enable-source-maps', join('dist', ...path.split('/')), ...args]);

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: REPO_ROOT, stdio: 'inherit' });
    // The terminal signals the whole group; a signal to this process alone is passed on.
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, forward);
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
