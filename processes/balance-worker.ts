import { runBalanceWorker } from '../consumers/balance-worker.js';
import { CONSUMER_GROUPS, TOPICS } from '../contracts/topics.js';
import { startBusinessClock } from '../infra/clock.js';
import { connectProducer, createKafka, groupName, topicName } from '../infra/kafka.js';
import { GroupMembership } from '../infra/kafka-group.js';
import { createPool } from '../infra/postgres.js';
import { createRedis } from '../infra/redis.js';
import { readRankingParameters } from '../operations/read-ranking-parameters.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import type { ProcessContext, RunningProcess } from './process.js';

const SESSION_TIMEOUT_MS = 10_000;
/** A member hears that partitions move with its next heartbeat; until then nobody reads. */
const HEARTBEAT_MS = 1_000;
/** A member that hangs holds the others up at most this long when partitions move; a living one joins within a second. */
const REBALANCE_TIMEOUT_MS = 15_000;
const FLOOR_REFRESH_MS = 5_000;
/** Clicks that wait longer than this for their decision: alive, but not working. */
const STUCK_MS = 10_000;

/** ad-events -> decided clicks. Scales by partitions: run as many as there are partitions. */
export async function startBalanceWorker({ config, log, metrics }: ProcessContext): Promise<RunningProcess> {
  const pool = createPool(config, (error) => log.warn({ error: error.message }, 'postgres connection lost'));
  await assertSchemaIsCurrent(pool);
  const clock = await startBusinessClock(pool, {
    mustBeReal: config.ADS_ENV === 'production',
    onError: (error) => log.debug({ error: String(error) }, 'clock not refreshed'),
  });
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const kafka = createKafka(config, log);
  const producer = await connectProducer(kafka);
  const consumer = kafka.consumer({
    groupId: groupName(config, CONSUMER_GROUPS.balanceWorker),
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    // The broker answers with the first byte; it waits this long only when there is none.
    minBytes: 1,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
  });
  const group = new GroupMembership(consumer, log);
  await consumer.connect();

  let { bidFloorKrw } = await readRankingParameters(pool);
  const floorTimer = setInterval(() => {
    readRankingParameters(pool).then(
      (parameters) => {
        bidFloorKrw = parameters.bidFloorKrw;
      },
      (error: unknown) => log.debug({ error: String(error) }, 'bid floor not refreshed'),
    );
  }, FLOOR_REFRESH_MS);

  const worker = await runBalanceWorker({
    pool,
    redis,
    producer,
    consumer,
    group,
    adEventsTopic: topicName(config, TOPICS.adEvents),
    partitions: config.KAFKA_PARTITIONS,
    now: clock.now,
    bidFloorKrw: () => bidFloorKrw,
    log,
    metrics,
  });

  return {
    name: 'balance-worker',
    ready: async () => {
      const stuckMs = Math.round(worker.stuckMs());
      return { ok: group.joined() && stuckMs < STUCK_MS, detail: { ...group.detail(), stuckMs } };
    },
    stop: async () => {
      clearInterval(floorTimer);
      clock.stop();
      await worker.stop();
      await group.leave();
      await producer.disconnect();
      redis.disconnect();
      await pool.end();
    },
  };
}
