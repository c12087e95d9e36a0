import type { Redis } from 'ioredis';
import type { BudgetLeft } from '../contracts/budget-signal.js';
import { REDIS_CHANNELS } from '../contracts/redis-keys.js';

const LEFT_PER_MESSAGE = 500;

/** Tells the ad servers what is left. Nothing is kept: whoever does not hear it goes by the stop list. */
export async function publishBudgetLeft(redis: Redis, left: readonly BudgetLeft[]): Promise<void> {
  for (let start = 0; start < left.length; start += LEFT_PER_MESSAGE) {
    const part = left.slice(start, start + LEFT_PER_MESSAGE);
    await redis.publish(REDIS_CHANNELS.budgetLeft, JSON.stringify(part));
  }
}
