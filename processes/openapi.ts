import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { adServerRouteDocs } from '../api/ad-server/routes.js';
import { consoleRoutes } from '../api/console/app.js';
import { describeApi } from '../api/console/docs.js';
import { loadConfig } from '../infra/config.js';
import { createLogger } from '../infra/log.js';
import { createMetrics } from '../infra/metrics.js';
import { createPool } from '../infra/postgres.js';
import { createPrisma } from '../infra/prisma.js';
import { createTemporalClient } from '../infra/temporal.js';

export const OPENAPI_FILE = 'docs/openapi.json';

/** The routes of both servers as one OpenAPI document. Nothing is connected: all clients connect with first use. */
export async function renderOpenApi(): Promise<string> {
  const config = loadConfig({});
  const pool = createPool(config);
  const temporal = createTemporalClient(config);
  const routes = consoleRoutes({
    config,
    pool,
    prisma: createPrisma(pool),
    redis: new Redis(config.REDIS_URL, { lazyConnect: true }),
    temporal,
    log: createLogger({ ...config, LOG_LEVEL: 'silent' }, 'openapi'),
    metrics: createMetrics({ defaultMetrics: false }),
    now: Date.now,
    businessNow: Date.now,
  });
  await temporal.close();
  await pool.end();
  return `${JSON.stringify(describeApi([...adServerRouteDocs, ...routes]), null, 2)}\n`;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  writeFileSync(OPENAPI_FILE, await renderOpenApi());
}
