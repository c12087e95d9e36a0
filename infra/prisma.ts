import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../prisma/generated/client.js';
import type { DatabasePool } from './postgres.js';

export type { Prisma, PrismaClient } from '../prisma/generated/client.js';

/** Over the pool of the process, so that Prisma and plain SQL share its connections. Closing the pool is the caller's. */
export function createPrisma(pool: DatabasePool): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
}
