import { createServer, type Server } from 'node:http';
import { buildCatalogue } from '../catalogue.js';
import { arrangeShelves } from '../shelves.js';
import { createShopClient } from '../shop-client/client.js';
import type { ShopLog } from '../shop-client/types.js';
import { ShopMemory } from './shop-memory.js';
import { createStorefrontApp } from './storefront-app.js';

export interface StorefrontOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly adServerUrl: string;
  readonly apiKey: string;
  /** Where people of the ad system look at numbers; only linked to. */
  readonly consoleUrl: string;
  readonly log: ShopLog;
}

export interface RunningStorefront {
  readonly url: string;
  stop(): Promise<void>;
}

const CUT_AFTER_MS = 1_000;
/**
 * Twice what a shop would wait: the demonstration runs beside the whole ad system, Flink and the generator of traffic on
 * as little as two cores, and a page that a person looks at should show what was bought for it.
 */
const ADS_WITHIN_MS = 300;

/** The demonstration shop: pages rendered on the server, its own memory, and the ad system by HTTP only. */
export async function startStorefront(options: StorefrontOptions): Promise<RunningStorefront> {
  const { products } = await buildCatalogue();
  const client = createShopClient({ ...options, adsWithinMs: ADS_WITHIN_MS });
  const app = createStorefrontApp({
    shelves: arrangeShelves(products),
    memory: new ShopMemory(),
    client,
    consoleUrl: options.consoleUrl,
    log: options.log,
  });
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve());
  });
  const address = server.address();
  const port = address === null || typeof address === 'string' ? options.port : address.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    stop: async () => {
      await close(server);
      client.close();
    },
  };
}

/** Finishes what is under way; browsers that hold a connection open do not hold the stop. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CUT_AFTER_MS);
  await closed;
  clearTimeout(cut);
}
