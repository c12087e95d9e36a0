import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';
import { lock } from './lock.mjs';
import { dataRoot, REPO_ROOT } from './places.mjs';

/** Dependencies and build, each only when what goes into it has changed. */

const DIST = join(REPO_ROOT, 'dist');
const GENERATED = join(REPO_ROOT, 'prisma', 'generated');
const NOT_COPIED = [GENERATED, join(REPO_ROOT, 'flink', 'sinks')];

/** @returns one row for the summary per step. */
export async function buildAll(say) {
  const release = await lock(join(dataRoot(), 'build.lock'));
  try {
    const steps = [await installPackages(say), await generateClient(say), await compile(say)];
    return [...steps, await bundleWorkflows(say)].filter((step) => step !== undefined);
  } finally {
    release();
  }
}

async function installPackages(say) {
  return step('npm packages', packagesAreCurrent(), async () => {
    say('npm packages: installing');
    // Not `npm ci`: it refuses a lock file that lacks a package of another platform, and npm leaves those out
    // wherever the registry does not offer them. This installs what the lock file says and never rewrites it.
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', '--no-save', '--ignore-scripts', ...quiet]);
  });
}

/** npm writes its hidden lock file last: when that agrees with ours, the installation is whole. */
function packagesAreCurrent() {
  const hidden = join(REPO_ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(REPO_ROOT, 'package-lock.json'), 'utf8')).packages;
  // Optional packages of other platforms are in our lock file only.
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

async function generateClient(say) {
  const schema = join(REPO_ROOT, 'prisma', 'schema');
  if (!existsSync(schema)) return undefined;
  const hash = hashOf(filesBelow(schema), [packageVersion('prisma')]);
  const stamp = join(GENERATED, '.hash');
  return step('prisma client', readStamp(stamp) === hash, async () => {
    say('prisma client: generating');
    // Nothing of generating needs the engine binary, and its download is not on a package registry. A command
    // that fails is the safe stand-in: with one that succeeds, migrations would seem to work and do nothing.
    const engine = ['/bin/false', '/usr/bin/false'].find(existsSync);
    await run(npxPath('prisma'), ['generate'], {
      PRISMA_SCHEMA_ENGINE_BINARY: engine,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    });
    writeFileSync(stamp, hash);
  });
}

async function compile(say) {
  const files = sources();
  const hash = hashOf(files, [packageVersion('typescript')]);
  const stamp = join(DIST, '.hash');
  return step('typescript', readStamp(stamp) === hash, async () => {
    say('typescript: compiling');
    rmSync(stamp, { force: true });
    await runCompiler();
    if (!isComplete(files)) {
      // The compiler trusts its record of what it wrote before; when files are gone, that record has to go.
      rmSync(join(DIST, '.tsbuildinfo'), { force: true });
      await runCompiler();
    }
    copyAssets(files);
    removeStale(files);
    writeFileSync(stamp, hash);
  });
}

/** Workers that load a ready bundle start in a quarter of the time and half of the memory. */
async function bundleWorkflows(say) {
  if (!existsSync(join(REPO_ROOT, 'processes', 'build-workflow-bundle.ts'))) return undefined;
  const files = sources().filter((file) =>
    /^(workflows|domain|contracts|processes)$/.test(relative(REPO_ROOT, file).split(sep)[0]),
  );
  const hash = hashOf(files, [packageVersion('@temporalio/worker')]);
  const stamp = join(DIST, '.workflow-bundle-hash');
  return step('workflow bundle', readStamp(stamp) === hash, async () => {
    say('workflow bundle: building');
    await run(process.execPath, [join(DIST, 'processes', 'build-workflow-bundle.js')]);
    writeFileSync(stamp, hash);
  });
}

/** Everything below the folders that tsconfig.json names, with what they need beside TypeScript. */
function sources() {
  const { include } = JSON.parse(readFileSync(join(REPO_ROOT, 'tsconfig.json'), 'utf8'));
  const files = include.flatMap((folder) =>
    existsSync(join(REPO_ROOT, folder)) ? filesBelow(join(REPO_ROOT, folder)) : [],
  );
  const generated = existsSync(GENERATED) ? filesBelow(GENERATED).filter((file) => file.endsWith('.ts')) : [];
  return [
    ...files.filter((file) => !NOT_COPIED.some((folder) => file.startsWith(folder + sep))),
    ...generated,
    join(REPO_ROOT, 'tsconfig.json'),
  ];
}

const runCompiler = () => run(npxPath('tsc'), ['--noCheck', '-p', 'tsconfig.json']);

function isComplete(files) {
  const compiled = files.filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'));
  return compiled.every((file) =>
    existsSync(join(DIST, relative(REPO_ROOT, file).replace(/\.tsx?$/, '.js'))),
  );
}

function copyAssets(files) {
  for (const file of files) {
    const path = relative(REPO_ROOT, file);
    if (['.ts', '.mts', '.tsx'].includes(extname(file)) || dirname(path) === '.') continue;
    mkdirSync(dirname(join(DIST, path)), { recursive: true });
    copyFileSync(file, join(DIST, path));
  }
}

/**
 * A source that was moved or deleted must not stay behind in its compiled form. File by file, never the whole
 * folder: a running stack may be starting a process out of it.
 */
function removeStale(files) {
  const alive = new Set(files.map((file) => relative(REPO_ROOT, file)));
  for (const file of filesBelow(DIST)) {
    const path = relative(DIST, file);
    // The build's own records and the workflow bundle lie at the top and have no source of their own.
    if (!path.includes(sep)) continue;
    const source = path.replace(/\.js(\.map)?$/, '.ts');
    if (!alive.has(path) && !alive.has(source) && !alive.has(`${source}x`)) rmSync(file);
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function hashOf(files, extra) {
  const hash = createHash('sha256').update(extra.join('\n'));
  for (const file of files)
    hash.update(relative(REPO_ROOT, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

const npxPath = (name) => join(REPO_ROOT, 'node_modules', '.bin', name);

function packageVersion(name) {
  return JSON.parse(readFileSync(join(REPO_ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
}

async function step(name, current, work) {
  const startedAt = performance.now();
  if (!current) await work();
  return {
    name,
    version: '',
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    bytes: 0,
    cached: current,
  };
}

/** Runs a build command with its output kept for the error message. */
function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: REPO_ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${command} ${args.join(' ')} failed with code ${code}:\n${output.slice(-6_000)}`));
    });
  });
}
