import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { type GetResult, getOnce } from '../bootstrap/get-once.mjs';
import { cacheRoot, VERSIONS } from '../bootstrap/places.mjs';
import { copyJars } from '../maven.js';
import type { Artefact } from '../part.js';
import { isListening } from '../slots.js';

/** Skips time, so that a test of a thirty-day wait takes milliseconds. Tests start it themselves, never the supervisor. */

const ARCHIVE_DEADLINE_MS = 30_000;
const ARCHIVE_POLL_MS = 100;
/** The server loads the classes of its first requests shortly after the port opens. */
const ARCHIVE_SETTLE_MS = 500;

const home = () => join(cacheRoot(), `temporal-test-server-${VERSIONS.temporalTestServer}`);
const archiveHome = () => `${home()}-classes`;

/** For `TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`. */
export const testServerPath = () => join(home(), 'temporal-test-server');

export const temporalTestServer: Artefact = {
  name: 'temporal-test-server',
  version: VERSIONS.temporalTestServer,
  source: 'Maven io.temporal:temporal-test-server',
  get: async () => {
    const jars = await getOnce(home(), async (staging) => {
      await copyJars('temporal-test-server', join(staging, 'lib'));
      writeFileSync(join(staging, 'temporal-test-server'), WRAPPER, { mode: 0o755 });
    });
    return sum(jars, await getOnce(archiveHome(), writeClassArchive));
  },
};

function sum(one: GetResult, other: GetResult): GetResult {
  return {
    cached: one.cached && other.cached,
    seconds: Math.round((one.seconds + other.seconds) * 10) / 10,
    bytes: one.bytes + other.bytes,
  };
}

/**
 * The archive of loaded classes (AppCDS) brings the start to a third of a second; the SDK gives up after five.
 * It remembers the paths of the jars, so it is made after they have their final place, in a folder of its own.
 */
const WRAPPER = `#!/bin/sh
# The SDK calls this with one argument, the port.
here="$(cd "$(dirname "$0")" && pwd)"
class_path=""
for jar in "$here"/lib/*.jar; do class_path="$class_path$jar:"; done
if [ -n "$ADS_WRITE_ARCHIVE" ]; then
  set -- "-XX:ArchiveClassesAtExit=$ADS_WRITE_ARCHIVE" -Xlog:cds=off -Xlog:cds+dynamic=off -cp "$class_path" io.temporal.testserver.TestServer "$@"
else
  set -- -XX:SharedArchiveFile="$here-classes/classes.jsa" -Xshare:auto -cp "$class_path" io.temporal.testserver.TestServer "$@"
fi
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx512m "$@"
`;

async function writeClassArchive(staging: string): Promise<void> {
  const port = await freePort();
  const env = { ADS_WRITE_ARCHIVE: join(staging, 'classes.jsa') };
  // Writing the archive happens at exit and takes seconds: no kill may cut it short.
  const options = { env, reject: false, all: true, forceKillAfterDelay: false } as const;
  const server = execa(testServerPath(), [String(port)], options);
  const deadline = Date.now() + ARCHIVE_DEADLINE_MS;
  while (!(await isListening(port)) && server.exitCode === null && Date.now() < deadline)
    await sleep(ARCHIVE_POLL_MS);
  await sleep(ARCHIVE_SETTLE_MS);
  server.kill('SIGTERM');
  const result = await server;
  if (!existsSync(env.ADS_WRITE_ARCHIVE))
    throw new Error(`the Temporal test server does not start:\n${result.all}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no free port'));
        else resolve(address.port);
      });
    });
  });
}
