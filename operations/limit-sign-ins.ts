import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

const MINUTE_S = 60;
/** Five wrong passwords for one account from one address, then a pause; a person who mistypes never gets there. */
const PER_ACCOUNT_AND_IP = { points: 5, duration: 15 * MINUTE_S };
/** Against guessing one account from many addresses. High, so that strangers cannot lock an owner out cheaply. */
const PER_ACCOUNT = { points: 100, duration: 60 * MINUTE_S };
/** Against trying one password on many accounts. */
const PER_IP = { points: 60, duration: 15 * MINUTE_S };

export interface SignInLimiter {
  /** Counts one try before the password is looked at, so that parallel guesses count too. Null = go on. */
  countTry(account: string, ip: string): Promise<{ retryAfterSeconds: number } | null>;
  /** A right password takes its tries back. */
  forgive(account: string, ip: string): Promise<void>;
}

/** Counts in Redis; while Redis is away, in this process. `account` is a hash of the address, never the address. */
export function createSignInLimiter(redis: Redis): SignInLimiter {
  const limiter = (keyPrefix: string, limits: { points: number; duration: number }) =>
    new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `sign-in:${keyPrefix}`,
      ...limits,
      insuranceLimiter: new RateLimiterMemory(limits),
    });
  const both = limiter('account-ip', PER_ACCOUNT_AND_IP);
  const account = limiter('account', PER_ACCOUNT);
  const ip = limiter('ip', PER_IP);
  const limiters = (accountKey: string, ipKey: string) =>
    [
      [both, `${accountKey}:${ipKey}`],
      [account, accountKey],
      [ip, ipKey],
    ] as const;
  return {
    async countTry(accountKey, ipKey) {
      const waits = await Promise.all(limiters(accountKey, ipKey).map(([one, key]) => consume(one, key)));
      const longest = Math.max(...waits);
      return longest > 0 ? { retryAfterSeconds: Math.ceil(longest / 1_000) } : null;
    },
    async forgive(accountKey, ipKey) {
      await both.delete(`${accountKey}:${ipKey}`);
      await account.reward(accountKey);
      await ip.reward(ipKey);
    },
  };
}

/** Milliseconds to wait; 0 when there was still a point. */
async function consume(limiter: RateLimiterRedis, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (error) {
    if (error instanceof RateLimiterRes) return Math.max(1, error.msBeforeNext);
    throw error;
  }
}
