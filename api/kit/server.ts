import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Logger;
  /** How long in-flight requests may take once `close` was called. */
  readonly shutdownTimeoutMs: number;
  /** Another way to make the server (faster request classes); the default is plain `node:http`. */
  readonly createServer?: (listener: RequestListener) => Server;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Stops accepting, finishes what is in flight, cuts the rest at the deadline. May be called again. */
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time-out of usual load balancers, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

export async function listen(listener: RequestListener, options: ListenOptions): Promise<RunningServer> {
  let draining = false;
  const handle: RequestListener = (req, res) => {
    if (draining) res.setHeader('connection', 'close');
    listener(req, res);
  };
  const server = (options.createServer ?? createServer)(handle);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    server,
    close: () => {
      draining = true;
      closing ??= drain(server, options);
      return closing;
    },
  };
}

async function drain(server: Server, { log, shutdownTimeoutMs }: ListenOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => {
    log.warn({ shutdownTimeoutMs }, 'requests were still running at the deadline, cutting them off');
    server.closeAllConnections();
  }, shutdownTimeoutMs);
  /** A keep-alive connection whose last answer has just been written becomes idle only now. */
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(deadline);
  clearInterval(sweep);
}
