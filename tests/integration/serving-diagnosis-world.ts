import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { createConsoleApp } from '../../api/console/app.js';
import { listen } from '../../api/kit/server.js';
import type { ServingDiagnosis } from '../../contracts/http/serving-diagnosis.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { addDays, businessDateOf } from '../../domain/business-date.js';
import { createMetrics } from '../../infra/metrics.js';
import { type DatabasePool, openPool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient } from '../../infra/temporal.js';
import { createUser } from '../../operations/create-user.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { type ConsoleClient, signIn } from '../support/console.js';
import { fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import { newDevice } from '../support/shop.js';
import { rankedAd } from './ad-server-harness.js';
import type { AdServerWorld } from './ad-server-world.js';

const PASSWORD = 'correct horse battery staple';
const OWN = 'adv_diagnosed';
export const BID_KRW = 300;

/** A console beside the ad server's world, on the same stores, and a seller with money. */
export interface DiagnosisConsole {
  readonly seller: ConsoleClient;
  readonly otherSeller: ConsoleClient;
  readonly admin: ConsoleClient;
  readonly redis: Redis;
  readonly pool: DatabasePool;
  close(): Promise<void>;
}

export async function openDiagnosisConsole(
  world: AdServerWorld,
  redisUrl: string,
): Promise<DiagnosisConsole> {
  const { config } = world;
  const log = pino({ level: 'silent' });
  const pool = openPool({ connectionString: world.database.appUrl, max: 4 });
  const prisma = createPrisma(pool);
  const redis = createRedis(redisUrl, log, { failFast: true });
  const temporal = createTemporalClient(config);
  const people = await register(pool);
  const metrics = createMetrics({ defaultMetrics: false });
  const clocks = { now: Date.now, businessNow: Date.now };
  const app = createConsoleApp(
    { config, pool, prisma, redis, temporal, log, metrics, ...clocks },
    { otherRouteDocs: [] },
  );
  const server = await listen(app, { host: '127.0.0.1', port: 0, log, shutdownTimeoutMs: 2_000 });
  const [seller, otherSeller, admin] = await Promise.all(
    people.map((email) => signIn(server.url, email, PASSWORD)),
  );
  if (!seller || !otherSeller || !admin) throw new Error('three people were registered');
  return {
    seller,
    otherSeller,
    admin,
    redis,
    pool,
    close: async () => {
      await server.close();
      await temporal.close();
      redis.disconnect();
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** Both companies and their people; a second console finds them there. */
async function register(pool: DatabasePool): Promise<string[]> {
  const people = [
    ['seller@ads.test', 'advertiser', OWN],
    ['other@ads.test', 'advertiser', 'adv_other'],
    ['admin@ads.test', 'admin', null],
  ] as const;
  const own = await registerAdvertiser(pool, {
    advertiserId: OWN,
    name: 'Own',
    businessNumber: '1108100001',
  });
  await registerAdvertiser(pool, { advertiserId: 'adv_other', name: 'Other', businessNumber: '1108100002' });
  const prisma = createPrisma(pool);
  for (const [email, role, advertiserId] of own.created ? people : []) {
    const user = await createUser(prisma, {
      email,
      role,
      advertiserId,
      displayName: email,
      password: PASSWORD,
    });
    if (!user.ok) throw new Error(user.error.message);
  }
  return people.map(([email]) => email);
}

/** An approved campaign of the seller with a bid for CATEGORY, money and a budget; its ad as the ranking holds it. */
export async function servedCampaign(
  pool: DatabasePool,
  name: string,
  overrides: Partial<RankingEntry> = {},
): Promise<RankingEntry> {
  const campaignId = `cmp_${name}`;
  const today = businessDateOf(Date.now());
  await pool.query(
    `INSERT INTO campaign (id, advertiser_id, name, status, review_status, start_date, end_date, daily_budget_krw,
                           serving_version, updated_at)
     VALUES ($1, $2, $1, 'enabled', 'approved', $3, $4, 50000, 1, now())`,
    [campaignId, OWN, addDays(today, -1), addDays(today, 30)],
  );
  await pool.query(
    `INSERT INTO campaign_bid (campaign_id, placement, max_cpc_krw) VALUES ($1, 'CATEGORY', $2)`,
    [campaignId, BID_KRW],
  );
  await fund(pool, { advertiserId: OWN, campaignId, dailyBudgetKrw: 50_000, totalBudgetKrw: null }, 10_000);
  return rankedAd(name, BID_KRW, { advertiserId: OWN, ...overrides });
}

/** So many queries of the shop, one after the other. */
export async function ask(
  world: AdServerWorld,
  times: number,
  query: Readonly<Record<string, string | number>>,
): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const { status } = await world.shop.ads({ placement: 'CATEGORY', deviceId: newDevice(), ...query });
    if (status !== 200) throw new Error(`the ad server answered ${status}`);
  }
}

export async function diagnose(who: ConsoleClient, campaignId: string): Promise<ServingDiagnosis> {
  const { status, body } = await who.get<ServingDiagnosis>(`/v1/campaigns/${campaignId}/serving-diagnosis`);
  if (status !== 200) throw new Error(`the console answered ${status} ${JSON.stringify(body)}`);
  return body;
}

export const numbersOf = (diagnosis: ServingDiagnosis) => diagnosis.placements[0]?.lastHour ?? null;

/** When enough has arrived: the ad server carries its counts every five seconds. */
export function untilTold(
  who: ConsoleClient,
  campaignId: string,
  isEnough: (told: ServingDiagnosis) => boolean,
): Promise<ServingDiagnosis> {
  return poll(
    `enough is told of ${campaignId}`,
    async () => {
      const told = await diagnose(who, campaignId);
      return isEnough(told) ? told : null;
    },
    20_000,
    100,
  );
}

/** How often this became of its auctions, in the last hour; all of them without a reason. */
export function countOf(told: ServingDiagnosis, reason?: string): number {
  const numbers = numbersOf(told);
  if (reason === undefined) return numbers?.considered ?? 0;
  return numbers?.reasons.find((one) => one.reason === reason)?.count ?? 0;
}
