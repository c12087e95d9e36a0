import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import type { FundedBusiness } from '../../support/funded-advertisers.js';
import type { Shop } from '../../support/shop.js';
import type { ProofContext } from '../proof.js';
import type { LiveCampaigns } from './campaigns.js';

/** What every part of this proof works with. */
export interface RankLatency extends ProofContext {
  readonly business: FundedBusiness;
  readonly shop: Shop;
  readonly redis: Redis;
  /** A connection of its own for messages. */
  readonly subscriber: Redis;
  readonly producer: Producer;
  readonly campaigns: LiveCampaigns;
}
