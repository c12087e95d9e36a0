import { createTopics } from '../infra/kafka.js';
import { openPool } from '../infra/postgres.js';
import { ensurePartitions } from '../operations/ensure-partitions.js';
import { deployMigrations } from '../prisma/migrate.js';
import type { ProcessContext } from './process.js';

/** The separate step before any process starts: schema, partitions ahead, topics. Safe to run again. */
export async function migrate({ config, log }: ProcessContext): Promise<number> {
  const applied = await deployMigrations(config.DATABASE_OWNER_URL);
  log.info({ applied }, 'schema is current');
  const owner = openPool({ connectionString: config.DATABASE_OWNER_URL, max: 1 });
  try {
    await ensurePartitions(owner);
  } finally {
    await owner.end();
  }
  const topics = await createTopics(config, log);
  log.info({ created: topics }, 'topics exist');
  return 0;
}
