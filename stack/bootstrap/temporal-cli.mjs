import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getOnce } from './get-once.mjs';
import { cacheRoot, VERSIONS } from './places.mjs';

/**
 * The Temporal command line with its development server, compiled by Go from the module proxy: prebuilt binaries
 * are on no package registry. It takes about four minutes on two cores the first time, so the bootstrap starts it
 * before everything else.
 */

const PROGRESS_EVERY_MS = 20_000;

export const temporalCliFolder = () => join(cacheRoot(), `temporal-cli-${VERSIONS.temporalCli}`);
export const temporalCliPath = () => join(temporalCliFolder(), 'temporal');

/** @param say receives progress lines. */
export function getTemporalCli(say) {
  return getOnce(temporalCliFolder(), async (staging) => {
    say(`temporal ${VERSIONS.temporalCli}: compiling with Go (about 4 minutes on 2 cores, only once)`);
    await goInstall(staging, say);
  });
}

async function goInstall(staging, say) {
  const bin = join(staging, 'bin');
  mkdirSync(bin);
  const module = `github.com/temporalio/cli/cmd/temporal@v${VERSIONS.temporalCli}`;
  const child = spawn('go', ['install', '-v', '-p', '2', '-trimpath', '-ldflags', '-s -w', module], {
    env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOBIN: bin },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const tail = [];
  let compiled = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!line.startsWith('go:')) compiled += 1;
    tail.push(line);
    if (tail.length > 20) tail.shift();
  });
  const startedAt = Date.now();
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    say(`temporal ${VERSIONS.temporalCli}: ${compiled} packages compiled after ${seconds} s`);
  }, PROGRESS_EVERY_MS);
  const endWithParent = () => child.kill('SIGTERM');
  process.once('exit', endWithParent);
  try {
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`go install ${module} failed with code ${code}:\n${tail.join('\n')}`);
  } finally {
    clearInterval(timer);
    process.off('exit', endWithParent);
  }
  renameSync(join(bin, 'temporal'), join(staging, 'temporal'));
  rmSync(bin, { recursive: true });
}
