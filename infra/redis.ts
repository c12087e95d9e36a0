import { Redis } from 'ioredis';
import type { Logger } from 'pino';

export interface RedisOptions {
  /** Commands fail at once while the connection is down, instead of waiting in memory. For request paths. */
  readonly failFast?: boolean;
  /** Commands of one turn of the event loop leave in one write: under load a system call for many, not one each. */
  readonly batched?: boolean;
}

const COMMAND_TIMEOUT_MS = 1_000;
const MAX_RECONNECT_DELAY_MS = 500;
/** Every connection asks this often, also one that only listens: */
const PING_INTERVAL_MS = 1_000;
/** one that hears nothing for so long after a question is replaced, since TCP would wait a quarter of an hour. */
const REPLACE_AFTER_MS = 4_000;

/**
 * A connection that reconnects for ever. An unreachable Redis is an event in the log, never a crash. A peer that
 * vanishes without a word (a machine lost, an address moved) is noticed within five seconds.
 */
export function createRedis(url: string, log: Logger, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, {
    lazyConnect: false,
    enableOfflineQueue: !(options.failFast ?? false),
    maxRetriesPerRequest: options.failFast ? 0 : null,
    ...(options.failFast ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    enableAutoPipelining: options.batched ?? false,
    retryStrategy: (attempt) => Math.min(MAX_RECONNECT_DELAY_MS, attempt * 50),
    reconnectOnError: () => false,
    socketTimeout: REPLACE_AFTER_MS,
  });
  const pings = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => undefined);
  }, PING_INTERVAL_MS);
  pings.unref();
  redis.on('end', () => clearInterval(pings));
  let down = false;
  redis.on('error', (error: Error) => {
    if (!down) log.warn({ error: error.message }, 'redis is unreachable, reconnecting');
    down = true;
  });
  redis.on('ready', () => {
    if (down) log.info('redis is back');
    down = false;
  });
  return redis;
}
