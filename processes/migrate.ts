import { TOPICS } from '../contracts/topics.js';
import { connectProducer, createKafka, createTopics, topicName } from '../infra/kafka.js';
import { type DatabasePool, openPool } from '../infra/postgres.js';
import { ensurePartitions } from '../operations/ensure-partitions.js';
import { publishRankingParameters } from '../operations/publish-ranking-parameters.js';
import { deployMigrations } from '../prisma/migrate.js';
import type { ProcessContext } from './process.js';

/** The separate step before any process starts: schema, partitions ahead, topics. Safe to run again. */
export async function migrate({ config, log }: ProcessContext): Promise<number> {
  const applied = await deployMigrations(config.DATABASE_OWNER_URL);
  log.info({ applied }, 'schema is current');
  const owner = openPool({ connectionString: config.DATABASE_OWNER_URL, max: 1 });
  try {
    await ensurePartitions(owner);
    const topics = await createTopics(config, log);
    log.info({ created: topics }, 'topics exist');
    await publishParameters({ config, log }, owner);
  } finally {
    await owner.end();
  }
  return 0;
}

/** A compacted topic that is new (or was lost) learns the newest parameters. */
async function publishParameters(
  { config, log }: Pick<ProcessContext, 'config' | 'log'>,
  pool: DatabasePool,
): Promise<void> {
  const producer = await connectProducer(createKafka(config, log));
  try {
    await publishRankingParameters({
      pool,
      producer,
      campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
      now: Date.now,
    });
  } finally {
    await producer.disconnect();
  }
}
