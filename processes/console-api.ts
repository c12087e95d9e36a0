import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { adServerRouteDocs } from '../api/ad-server/routes.js';
import { createConsoleApp } from '../api/console/app.js';
import { listen } from '../api/kit/server.js';
import { type BusinessClock, startBusinessClock } from '../infra/clock.js';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import { createPrisma } from '../infra/prisma.js';
import { createRedis } from '../infra/redis.js';
import { createTemporalClient, type TemporalClient } from '../infra/temporal.js';
import { findDemoAccounts } from '../operations/find-demo-accounts.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import type { ProcessContext, Readiness, RunningProcess } from './process.js';

const RETRY_MS = 500;
/** The listener's share of the drain; the rest closes connections. */
const DRAIN_SHARE = 0.7;

/** Sellers, admins and finance over HTTP. Waits for PostgreSQL, refuses an older schema. */
export async function startConsoleApi({ config, log, metrics }: ProcessContext): Promise<RunningProcess> {
  const pool = createPool(config, (error) => log.warn({ error: error.message }, 'postgres connection lost'));
  const clock = await openDatabase(pool, { config, log });
  const prisma = createPrisma(pool);
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const temporal = createTemporalClient(config);
  const draining = new AbortController();
  const app = createConsoleApp(
    {
      config,
      pool,
      prisma,
      redis,
      temporal,
      log,
      metrics,
      now: Date.now,
      businessNow: clock.now,
      draining: draining.signal,
    },
    { otherRouteDocs: adServerRouteDocs },
  );
  const server = await listen(app, {
    host: config.HOST,
    port: config.CONSOLE_API_PORT,
    log,
    shutdownTimeoutMs: Math.round(config.SHUTDOWN_TIMEOUT_MS * DRAIN_SHARE),
  });
  log.info({ url: server.url }, 'console API listens');
  return {
    name: 'console-api',
    ready: () => readiness(pool, redis, temporal),
    stop: async () => {
      draining.abort();
      await server.close();
      clock.stop();
      await temporal.close();
      redis.disconnect();
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** Everything that the database must be before anybody may ask. A refusal leaves no connection behind. */
async function openDatabase(
  pool: DatabasePool,
  { config, log }: Pick<ProcessContext, 'config' | 'log'>,
): Promise<BusinessClock> {
  const inProduction = config.ADS_ENV === 'production';
  try {
    await waitForDatabase(pool, log);
    await assertSchemaIsCurrent(pool);
    if (inProduction) await refuseDemoAccounts(pool);
    return await startBusinessClock(pool, {
      mustBeReal: inProduction,
      onError: (error) => log.debug({ error: String(error) }, 'clock not refreshed'),
    });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

async function refuseDemoAccounts(pool: DatabasePool): Promise<void> {
  const ids = await findDemoAccounts(pool);
  if (ids.length === 0) return;
  throw new Error(`ADS_ENV=production refuses demo accounts and keys; disable or revoke: ${ids.join(', ')}`);
}

/** The supervisor may start us before the database; a wrong password or schema still ends us at once. */
async function waitForDatabase(pool: DatabasePool, log: Logger): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pool.query('SELECT 1');
      return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (attempt === 1) log.info('waiting for postgres');
      await delay(RETRY_MS);
    }
  }
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', '57P03']);

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNREACHABLE.has(String(error.code));
}

/**
 * Ready means that people can sign in and see their numbers. Temporal is shown, but does not take the console out
 * of service: only submitting and deciding campaigns needs it, and says so itself.
 */
async function readiness(pool: DatabasePool, redis: Redis, temporal: TemporalClient): Promise<Readiness> {
  const [postgres, redisState, temporalState] = await Promise.all([
    stateOf(pool.query('SELECT 1')),
    stateOf(redis.ping()),
    stateOf(temporal.check()),
  ]);
  return {
    ok: postgres === 'ok' && redisState === 'ok',
    detail: { postgres, redis: redisState, temporal: temporalState },
  };
}

async function stateOf(check: Promise<unknown>): Promise<string> {
  try {
    await check;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
