import { execFile } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Round } from './rounds.js';

const CONNECTIONS = 32;

const execFileAsync = promisify(execFile);

const loadResultSchema = z.object({
  requests: z.object({ average: z.number(), total: z.number() }),
  latency: z.object({ p50: z.number(), p99: z.number() }),
  non2xx: z.number(),
  errors: z.number(),
});

export interface LoadOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly seconds: number;
  /** All connections together; as fast as it goes when left out. */
  readonly perSecond?: number;
}

/**
 * One address asked again and again by another process, so that the processor time of this one belongs to the
 * servers in it alone. Throws when any answer is not 2xx: a refused request is no throughput.
 */
export async function httpLoad({ url, apiKey, seconds, perSecond }: LoadOptions): Promise<Round> {
  const program = fileURLToPath(import.meta.resolve('autocannon'));
  const flags = ['-j', '-n', '-c', String(CONNECTIONS), '-d', String(seconds)];
  if (perSecond !== undefined) flags.push('-R', String(perSecond));
  const before = process.cpuUsage();
  const { stdout } = await execFileAsync(process.execPath, [
    program,
    ...flags,
    '-H',
    `authorization=Bearer ${apiKey}`,
    url,
  ]);
  const used = process.cpuUsage(before);
  const { requests, latency, non2xx, errors } = loadResultSchema.parse(JSON.parse(stdout));
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} refused, ${errors} broken`);
  const cpuMicros = (used.user + used.system) / requests.total;
  return { perSecond: requests.average, p50Ms: latency.p50, p99Ms: latency.p99, cpuMicros };
}

/** A server of this process on a free port. */
export async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, server };
}
