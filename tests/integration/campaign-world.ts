import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Redis } from 'ioredis';
import type { Consumer } from 'kafkajs';
import type { CampaignChanged } from '../../contracts/events/campaign-events.js';
import { campaignEventSchema } from '../../contracts/events/campaign-events.js';
import type { RankingEntry } from '../../contracts/ranking-entry.js';
import { REDIS_KEYS } from '../../contracts/redis-keys.js';
import { SEARCH_ATTRIBUTES } from '../../contracts/temporal/campaign-lifecycle.js';
import { TOPICS } from '../../contracts/topics.js';
import type { Role } from '../../domain/access.js';
import { addDays, type BusinessDate, businessDateOf } from '../../domain/business-date.js';
import type { CampaignDraft } from '../../domain/campaign-draft.js';
import { normaliseKeyword } from '../../domain/placement.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createLogger } from '../../infra/log.js';
import { createMetrics } from '../../infra/metrics.js';
import type { DatabasePool } from '../../infra/postgres.js';
import { createPrisma } from '../../infra/prisma.js';
import { createRedis } from '../../infra/redis.js';
import { createTemporalClient, type TemporalClient } from '../../infra/temporal.js';
import { createUser } from '../../operations/create-user.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { startConsoleApi } from '../../processes/console-api.js';
import type { RunningProcess } from '../../processes/process.js';
import { startTemporalWorker } from '../../processes/temporal-worker.js';
import { type ConsoleClient, signIn } from '../support/console.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';

const PASSWORD = 'correct horse battery staple';

/** Real console, worker and stores on a database and topics of their own, with two sellers and an admin. */
export interface CampaignWorld {
  readonly config: Config;
  readonly pool: DatabasePool;
  readonly redis: Redis;
  readonly temporal: TemporalClient;
  readonly today: BusinessDate;
  readonly adminId: string;
  readonly sellerId: string;
  readonly rivalId: string;
  readonly sellerCompany: string;
  readonly rivalCompany: string;
  /** Category and keyword that only this world uses, because Redis is shared. */
  readonly category: string;
  readonly keyword: string;
  readonly seller: ConsoleClient;
  readonly rival: ConsoleClient;
  readonly admin: ConsoleClient;
  draft(change?: Partial<CampaignDraft>): CampaignDraft;
  rivalDraft(): CampaignDraft;
  /** Events of one campaign so far, in the order of the log. */
  events(campaignId: string): CampaignChanged[];
  /** What the ranking writes when it has taken a version in. */
  acknowledge(campaignId: string, version: number, status: string, ranked: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function startCampaignWorld(): Promise<CampaignWorld> {
  const database = await createTestDatabase();
  const unique = randomBytes(4).toString('hex');
  const config: Config = {
    ...loadConfig(),
    DATABASE_URL: database.appUrl,
    TOPIC_PREFIX: `campaigns-${unique}-`,
    KAFKA_PARTITIONS: 2,
    TEMPORAL_NAMESPACE: `campaigns-${unique}`,
    SHUTDOWN_TIMEOUT_MS: 5_000,
  };
  const log = createLogger(config, 'test');
  await createTopics(config, log);
  const deleteNamespace = await createNamespace(config);
  const people = await registerPeople(database, unique);
  const context = { config, log, metrics: createMetrics({ defaultMetrics: false }) };
  const processes: RunningProcess[] = [await startTemporalWorker(context), await startConsoleApi(context)];
  for (const part of processes)
    await poll(`${part.name} is ready`, async () => (await part.ready()).ok, 30_000);
  const followed = await followCampaignEvents(config);
  const redis = createRedis(config.REDIS_URL, log);
  const temporal = createTemporalClient(config);
  const url = `http://${config.HOST}:${config.CONSOLE_API_PORT}`;
  const today = businessDateOf(Date.now());
  const category = `cat-${unique}`;
  const keyword = `운동화 ${unique}`;
  const basis: CampaignDraft = {
    name: '봄 신상 운동화',
    startDate: today,
    endDate: addDays(today, 30),
    dailyBudgetKrw: 50_000,
    totalBudgetKrw: 500_000,
    productIds: [`prd-${unique}-1`, `prd-${unique}-2`],
    keywords: [keyword],
    bids: [
      { placement: 'CATEGORY', maxCpcKrw: 300 },
      { placement: 'SEARCH', maxCpcKrw: 500 },
    ],
  };
  return {
    config,
    pool: database.appPool,
    redis,
    temporal,
    today,
    ...people,
    sellerCompany: `adv_seller_${unique}`,
    rivalCompany: `adv_rival_${unique}`,
    category,
    keyword: normaliseKeyword(keyword),
    seller: await signIn(url, `seller-${unique}@example.com`, PASSWORD),
    rival: await signIn(url, `rival-${unique}@example.com`, PASSWORD),
    admin: await signIn(url, `admin-${unique}@example.com`, PASSWORD),
    draft: (change = {}) => ({ ...basis, ...change }),
    rivalDraft: () => ({ ...basis, productIds: [`prd-${unique}-3`] }),
    events: (campaignId) => followed.events.filter((event) => event.campaignId === campaignId),
    acknowledge: async (campaignId, version, status, ranked) => {
      if (ranked) await redis.set(REDIS_KEYS.ranking('CATEGORY', category), rankingOf(campaignId));
      else await redis.del(REDIS_KEYS.ranking('CATEGORY', category));
      await redis.set(REDIS_KEYS.campaignAcknowledgement(campaignId), JSON.stringify({ version, status }));
    },
    close: async () => {
      for (const part of processes.toReversed()) await part.stop();
      await followed.consumer.disconnect();
      await temporal.close();
      await deleteNamespace();
      redis.disconnect();
      await database.drop();
    },
  };
}

/** Value of `IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` in Temporal's API. */
const KEYWORD = 2;

/**
 * Workflows that another run left behind on a server that persists are not ours to carry on. Returns how to
 * take the namespace away again.
 */
async function createNamespace(config: Config): Promise<() => Promise<void>> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS });
  const namespace = config.TEMPORAL_NAMESPACE;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const names = Object.values(SEARCH_ATTRIBUTES);
  const searchAttributes = Object.fromEntries(names.map((name) => [name, KEYWORD]));
  const register = () => connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  const succeeded = () =>
    register().then(
      () => true,
      () => false,
    );
  await poll('the namespace takes search attributes', succeeded, 30_000, 200);
  return async () => {
    await connection.operatorService.deleteNamespace({ namespace });
    await connection.close();
  };
}

const rankingOf = (campaignId: string) =>
  JSON.stringify([{ campaignId } satisfies Pick<RankingEntry, 'campaignId'>]);

async function registerPeople(database: TestDatabase, unique: string) {
  const prisma = createPrisma(database.appPool);
  const companies = ['seller', 'rival'].map((name, index) => ({
    advertiserId: `adv_${name}_${unique}`,
    name,
    businessNumber: `${index}${unique}`,
  }));
  for (const company of companies) await registerAdvertiser(database.appPool, company);
  await database.appPool.query(`INSERT INTO category (id, name) VALUES ($1, 'Shoes')`, [`cat-${unique}`]);
  for (const [index, owner] of ['seller', 'seller', 'rival'].entries()) {
    await database.appPool.query(
      `INSERT INTO product (id, seller_id, category_id, name, price_krw) VALUES ($1, $2, $3, 'Shoe', 50000)`,
      [`prd-${unique}-${index + 1}`, `adv_${owner}_${unique}`, `cat-${unique}`],
    );
  }
  const register = async (name: string, role: Role, advertiserId: string | null) => {
    const email = `${name}-${unique}@example.com`;
    const user = await createUser(prisma, {
      email,
      password: PASSWORD,
      displayName: name,
      role,
      advertiserId,
    });
    if (!user.ok) throw new Error(user.error.message);
    return user.value.userId;
  };
  const sellerId = await register('seller', 'advertiser', `adv_seller_${unique}`);
  const rivalId = await register('rival', 'advertiser', `adv_rival_${unique}`);
  return { sellerId, rivalId, adminId: await register('admin', 'admin', null) };
}

async function followCampaignEvents(
  config: Config,
): Promise<{ events: CampaignChanged[]; consumer: Consumer }> {
  const kafka = createKafka(config, createLogger(config, 'test'));
  const consumer = kafka.consumer({ groupId: `${config.TOPIC_PREFIX}test`, maxWaitTimeInMs: 100 });
  const events: CampaignChanged[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(config, TOPICS.campaignEvents), fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const event = campaignEventSchema.parse(JSON.parse(message.value?.toString() ?? 'null'));
      if (!('ads' in event)) return;
      if (message.key?.toString() !== `campaign:${event.campaignId}`) throw new Error('wrong key');
      if (message.headers?.type?.toString() !== event.type) throw new Error('wrong header');
      events.push(event);
    },
  });
  return { events, consumer };
}
