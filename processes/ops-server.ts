import http from 'node:http';
import type { Config } from '../infra/config.js';
import type { Metrics } from '../infra/metrics.js';
import type { RunningProcess } from './process.js';

interface OpsServerInput {
  readonly config: Pick<Config, 'HOST' | 'OPS_PORT'>;
  readonly metrics: Metrics;
  /** Filled as processes start. */
  readonly running: readonly RunningProcess[];
  /** Not ready before this many run. */
  readonly expected: number;
}

/** `/healthz` says the process lives, `/readyz` that it can do its work, `/metrics` how it goes. */
export async function startOpsServer(input: OpsServerInput): Promise<{ close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    answer(input, request.url ?? '/').then(
      ({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
        response.end(body);
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(String(error));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(input.config.OPS_PORT, input.config.HOST, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(input: OpsServerInput, url: string) {
  const json = 'application/json';
  switch (url.split('?')[0]) {
    case '/healthz':
      return { status: 200, type: json, body: '{"status":"alive"}' };
    case '/metrics':
      return {
        status: 200,
        type: input.metrics.registry.contentType,
        body: await input.metrics.registry.metrics(),
      };
    case '/readyz': {
      const parts = await Promise.all(
        input.running.map(async (part) => ({ name: part.name, ...(await part.ready()) })),
      );
      const ready = parts.length === input.expected && parts.every((part) => part.ok);
      return { status: ready ? 200 : 503, type: json, body: JSON.stringify({ ready, parts }) };
    }
    default:
      return { status: 404, type: json, body: '{"paths":["/healthz","/readyz","/metrics"]}' };
  }
}
