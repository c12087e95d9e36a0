import { randomUUID } from 'node:crypto';
import { API_SCOPES } from '../../domain/access.js';
import type { AdvertiserFunds, CampaignFunds, ChargingState } from '../../domain/charging.js';
import { toKrw, ZERO_KRW } from '../../domain/money.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { type DatabasePool, openPool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createApiKey } from '../../operations/api-keys.js';
import { fund } from './money.js';

const CAMPAIGNS_EACH = 2;
const AT_A_TIME = 4;

export interface FundedBusiness {
  readonly config: Config;
  readonly pool: DatabasePool;
  readonly apiKey: string;
  readonly campaigns: readonly { readonly advertiserId: string; readonly campaignId: string }[];
  /** What charging starts from. */
  readonly initial: ChargingState;
  close(): Promise<void>;
}

export interface Means {
  readonly cashKrw: number;
  readonly dailyBudgetKrw: number;
  readonly totalBudgetKrw: number | null;
}

/** Advertisers with money and two campaigns each, and a shop's key, through the ordinary operations. */
export async function fundAdvertisers(
  env: Readonly<Record<string, string>>,
  advertisers: number,
  meansOf: () => Means,
  /** Part of every id: two businesses on one stack keep apart by it. */
  name = 'proof',
): Promise<FundedBusiness> {
  const config = loadConfig(env);
  const pool = openPool({ connectionString: config.DATABASE_URL, max: AT_A_TIME });
  const key = await createApiKey(
    { prisma: createPrisma(pool), hashKey: config.HASH_KEY },
    { name: `${name} ${randomUUID()}`, scopes: [...API_SCOPES] },
    { actorId: 'proof', actorRole: 'admin', via: 'cli' },
  );
  const campaigns: { advertiserId: string; campaignId: string }[] = [];
  const funds = new Map<string, AdvertiserFunds>();
  const budgets = new Map<string, CampaignFunds>();
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < advertisers; n = next++) {
      const advertiserId = `adv_${name}${n}`;
      const { cashKrw } = meansOf();
      funds.set(advertiserId, { cashKrw: toKrw(cashKrw), lots: [], stop: null });
      for (let c = 0; c < CAMPAIGNS_EACH; c += 1) {
        const names = { advertiserId, campaignId: `cmp_${name}${n}x${c}` };
        const { dailyBudgetKrw, totalBudgetKrw } = meansOf();
        await fund(pool, { ...names, dailyBudgetKrw, totalBudgetKrw }, c === 0 ? cashKrw : 0);
        campaigns.push(names);
        budgets.set(names.campaignId, {
          advertiserId,
          dailyBudgetKrw: toKrw(dailyBudgetKrw),
          spentTodayKrw: ZERO_KRW,
          totalBudgetKrw: totalBudgetKrw === null ? null : toKrw(totalBudgetKrw),
          totalSpentKrw: ZERO_KRW,
          stop: null,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return {
    config,
    pool,
    apiKey: key.key,
    campaigns,
    initial: { advertisers: funds, campaigns: budgets },
    close: () => pool.end(),
  };
}
