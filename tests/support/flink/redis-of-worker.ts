/** Below lie the databases of tests that run on a stack of their own. */
const FIRST_DATABASE = 8;

/**
 * The address of a Redis database that only this worker's files use, one after another: statements write keys without
 * a prefix, and tests empty the whole database.
 */
export function redisOfWorker(address: string): string {
  const worker = Number(process.env.VITEST_POOL_ID);
  if (!Number.isSafeInteger(worker) || worker < 1) throw new Error('not run by a worker of Vitest');
  const url = new URL(address);
  url.pathname = `/${FIRST_DATABASE + worker}`;
  return url.href;
}
