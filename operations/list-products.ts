import type { Prisma, PrismaClient } from '../infra/prisma.js';

export interface ProductFilter {
  /** Null: of every seller. */
  readonly sellerId: string | null;
  readonly categoryId?: string | undefined;
  readonly search?: string | undefined;
  readonly afterId: string | null;
  readonly limit: number;
}

/** By id. Reads `limit + 1` rows, so that the caller knows whether there are more. */
export function listProducts(prisma: Pick<PrismaClient, 'product'>, filter: ProductFilter) {
  const where: Prisma.ProductWhereInput = {};
  if (filter.sellerId !== null) where.sellerId = filter.sellerId;
  if (filter.categoryId !== undefined) where.categoryId = filter.categoryId;
  if (filter.search !== undefined) where.name = { contains: filter.search, mode: 'insensitive' };
  if (filter.afterId !== null) where.id = { gt: filter.afterId };
  return prisma.product.findMany({
    where,
    include: { category: true },
    orderBy: { id: 'asc' },
    take: filter.limit + 1,
  });
}
