import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { answerUnreadable, pathOfAddress, refuseAddress } from './unreadable-request.js';

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

/** Of every server here, however it is made. */
export const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Node looks for senders over their time this often; by itself only every 30 s, three times the first of them. */
  connectionsCheckingInterval: 1_000,
  /** Longer than the idle time-out of usual load balancers, so that they close first. */
  keepAliveTimeout: 65_000,
} as const;

export async function listen(listener: RequestListener, options: ListenOptions): Promise<RunningServer> {
  let draining = false;
  const handle: RequestListener = (req, res) => {
    if (draining) res.setHeader('connection', 'close');
    const path = pathOfAddress(req.url);
    if (path === null) {
      refuseAddress(res);
      return;
    }
    req.url = path;
    listener(req, res);
  };
  const server = (options.createServer ?? plainServer)(handle);
  answerUnreadable(server);
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

const plainServer = (listener: RequestListener): Server => createServer(SERVER_OPTIONS, listener);

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
