import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { err, type Failure, ok, type Result } from '../domain/result.js';

const QUARTER_HOUR_S = 900;
/** A shared office applies a few times; a script that probes numbers and addresses does not get far. */
const PER_IP = { points: 30, duration: QUARTER_HOUR_S };

export interface TooManyApplications extends Failure {
  readonly retryAfterSeconds: number;
}

/** Counts in Redis; while Redis is away, in this process. `ip` is a hash of the address, never the address. */
export function createApplicationLimiter(redis: Redis) {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'advertiser-application:ip',
    ...PER_IP,
    insuranceLimiter: new RateLimiterMemory(PER_IP),
  });
  return async (ip: string): Promise<Result<null, TooManyApplications>> => {
    try {
      await limiter.consume(ip);
      return ok(null);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const retryAfterSeconds = Math.ceil(Math.max(1, error.msBeforeNext) / 1_000);
      return err({
        code: 'too_many_applications',
        message: 'Too many applications from this address.',
        nextStep: `Wait ${Math.ceil(retryAfterSeconds / 60)} minutes.`,
        retryAfterSeconds,
      });
    }
  };
}
