import type { Request } from 'express';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Actor } from '../../domain/access.js';
import type { RateVerdict } from '../kit/app.js';

/** A page that polls stays far below; a script in a tight loop does not. */
const PER_ACTOR = { points: 6_000, duration: 60 };
const PER_STRANGER = { points: 600, duration: 60 };

/** Counts in Redis over all console processes; while Redis is away, in this process. */
export function createConsoleRateLimit(redis: Redis) {
  const limiter = (keyPrefix: string, limits: { points: number; duration: number }) =>
    new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `console-rate:${keyPrefix}`,
      ...limits,
      insuranceLimiter: new RateLimiterMemory(limits),
    });
  const actors = limiter('actor', PER_ACTOR);
  const strangers = limiter('ip', PER_STRANGER);
  return async (req: Request, actor: Actor | null): Promise<RateVerdict> => {
    try {
      if (actor === null) await strangers.consume(req.ip ?? 'unknown');
      else await actors.consume(actor.kind === 'user' ? actor.userId : actor.keyId);
      return { allowed: true };
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      return { allowed: false, retryAfterSeconds: Math.ceil(error.msBeforeNext / 1_000) };
    }
  };
}
