import type { Prisma, PrismaClient } from '../infra/prisma.js';

export interface AdvertiserFilter {
  readonly status?: string | undefined;
  /** Part of the name, or a whole business number. */
  readonly search?: string | undefined;
  readonly afterId: string | null;
  readonly limit: number;
}

/** By id. Reads `limit + 1` rows, so that the caller knows whether there are more. */
export function listAdvertisers(prisma: Pick<PrismaClient, 'advertiser'>, filter: AdvertiserFilter) {
  const where: Prisma.AdvertiserWhereInput = {};
  if (filter.status !== undefined) where.status = filter.status;
  if (filter.afterId !== null) where.id = { gt: filter.afterId };
  if (filter.search !== undefined) {
    where.OR = [
      { name: { contains: filter.search, mode: 'insensitive' } },
      { businessNumber: filter.search.replace(/-/g, '') },
    ];
  }
  return prisma.advertiser.findMany({ where, orderBy: { id: 'asc' }, take: filter.limit + 1 });
}
