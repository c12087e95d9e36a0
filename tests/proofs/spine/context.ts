import type { Redis } from 'ioredis';
import { SHOP_SELLERS } from '../../../outside/commerce/sellers.js';
import type { DatabaseFacts } from '../../support/database-facts.js';
import type { Shop } from '../../support/shop.js';
import type { ProofContext } from '../proof.js';

/** What every part of this proof works with. */
export interface Spine extends ProofContext {
  readonly consoleUrl: string;
  readonly shop: Shop;
  readonly redis: Redis;
  readonly facts: DatabaseFacts;
}

/** Sellers of this proof: all of one category, so that they compete; one more of another for the exhaustion. */
export const RIVALS = SHOP_SELLERS.filter((seller) => seller.categoryId === 'toys');
export const LONER = SHOP_SELLERS.find((seller) => seller.categoryId === 'garden');
