import { Redis } from 'ioredis';
import { readStatement } from '../flink/render-statement.js';
import type { Config } from '../infra/config.js';
import { createTestDatabase, type TestDatabase } from '../tests/support/database.js';
import { specOf } from './flink-job.js';
import { advertiserIdOf, advertiserOf, CATALOGUE, campaignIdOf } from './flink-log.js';

export interface FlinkStores {
  /** With the address of the database. */
  readonly config: Config;
  /** So that each round finds what the first one found. */
  empty(statement: string): Promise<void>;
}

/** A migrated database with the catalogue of the log, for what statements write; gone afterwards. */
export async function withFlinkStores<T>(
  shared: Config,
  use: (stores: FlinkStores) => Promise<T>,
): Promise<T> {
  const db = await createTestDatabase({ connections: 1 });
  try {
    await addCatalogue(db);
    const address = new URL(shared.FLINK_DATABASE_URL);
    address.pathname = new URL(db.ownerUrl).pathname;
    const config = { ...shared, FLINK_DATABASE_URL: address.href };
    return await use({ config, empty: (statement) => empty(db, statement, config.REDIS_URL) });
  } finally {
    await db.drop();
  }
}

/** As in production: a trigger looks the advertiser of a campaign up. */
async function addCatalogue({ ownerPool }: TestDatabase): Promise<void> {
  const advertisers = Array.from({ length: CATALOGUE.advertisers }, (_, index) => advertiserIdOf(index));
  const campaigns = Array.from({ length: CATALOGUE.campaigns }, (_, index) => campaignIdOf(index));
  const owners = campaigns.map((_, index) => advertiserIdOf(advertiserOf(index)));
  await ownerPool.query(
    `INSERT INTO advertiser (id, name, business_number, status)
     SELECT id, id, id, 'active' FROM unnest($1::text[]) AS a(id)`,
    [advertisers],
  );
  await ownerPool.query(
    `INSERT INTO campaign (id, advertiser_id, name, start_date, end_date, daily_budget_krw, updated_at)
     SELECT id, owner, id, current_date, current_date, 10000, now()
     FROM unnest($1::text[], $2::text[]) AS c(id, owner)`,
    [campaigns, owners],
  );
}

async function empty({ ownerPool }: TestDatabase, statement: string, redisUrl: string): Promise<void> {
  const { tables } = readStatement(statement, specOf(statement).tables);
  const names = tables.flatMap((table) => /'table-name' = '(\w+)'/.exec(table)?.[1] ?? []);
  if (names.length > 0) await ownerPool.query(`TRUNCATE ${[...new Set(names)].join(', ')} CASCADE`);
  const redis = new Redis(redisUrl);
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}
