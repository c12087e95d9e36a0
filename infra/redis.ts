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

/** A connection that reconnects for ever. An unreachable Redis is an event in the log, never a crash. */
export function createRedis(url: string, log: Logger, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, {
    lazyConnect: false,
    enableOfflineQueue: !(options.failFast ?? false),
    maxRetriesPerRequest: options.failFast ? 0 : null,
    ...(options.failFast ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    enableAutoPipelining: options.batched ?? false,
    retryStrategy: (attempt) => Math.min(MAX_RECONNECT_DELAY_MS, attempt * 50),
    reconnectOnError: () => false,
  });
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
