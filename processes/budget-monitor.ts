import { randomUUID } from 'node:crypto';
import { startBudgetLeftFollower } from '../consumers/budget-left-follower.js';
import { runBudgetMonitor } from '../consumers/budget-monitor.js';
import { startClockTicker } from '../consumers/clock-ticker.js';
import { startNotificationSender } from '../consumers/notification-sender.js';
import { startPacingController } from '../consumers/pacing-controller.js';
import { startServingStopRelay } from '../consumers/serving-stop-relay.js';
import { CONSUMER_GROUPS, TOPICS } from '../contracts/topics.js';
import { createAlimtalkSender } from '../infra/alimtalk.js';
import { startBusinessClock } from '../infra/clock.js';
import { connectProducer, createKafka, groupName, topicName } from '../infra/kafka.js';
import { GroupMembership } from '../infra/kafka-group.js';
import { createMailer } from '../infra/mailer.js';
import { createPool } from '../infra/postgres.js';
import { createRedis } from '../infra/redis.js';
import { createTemporalClient } from '../infra/temporal.js';
import { readRankingParameters } from '../operations/read-ranking-parameters.js';
import { signalAutoTopUp } from '../operations/signal-auto-top-up.js';
import { assertSchemaIsCurrent } from '../prisma/schema-version.js';
import { startHousekeeping } from './housekeeping.js';
import type { ProcessContext, RunningProcess } from './process.js';

/** A relay that is silent for longer than this cannot keep the promise "gone within a second". */
const STALE_MS = 5_000;
/** The client's own patience is 20 seconds and more: alerts must not wait that long for an absent Temporal. */
const SIGNAL_WITHIN_MS = 2_000;

/** Stop lists, pacing, thresholds and alerts, the heartbeat of event time, and housekeeping. */
export async function startBudgetMonitor({ config, log, metrics }: ProcessContext): Promise<RunningProcess> {
  const pool = createPool(config, (error) => log.warn({ error: error.message }, 'postgres connection lost'));
  await assertSchemaIsCurrent(pool);
  const clock = await startBusinessClock(pool, {
    mustBeReal: config.ADS_ENV === 'production',
    onError: (error) => log.debug({ error: String(error) }, 'clock not refreshed'),
  });
  const redis = createRedis(config.REDIS_URL, log, { failFast: true });
  const kafka = createKafka(config, log);
  const producer = await connectProducer(kafka);
  const admin = kafka.admin();
  await admin.connect();

  const tickerDeps = { producer, admin, log, now: clock.now };
  const tickers = [
    startClockTicker(tickerDeps, topicName(config, TOPICS.adEvents), config.CLOCK_TICK_AD_EVENTS_MS),
    startClockTicker(
      tickerDeps,
      topicName(config, TOPICS.conversionEvents),
      config.CLOCK_TICK_CONVERSION_EVENTS_MS,
    ),
  ];
  const relay = startServingStopRelay({
    pool,
    redis,
    producer,
    campaignEventsTopic: topicName(config, TOPICS.campaignEvents),
    now: clock.now,
    log,
    metrics,
  });
  const subscriber = createRedis(config.REDIS_URL, log);
  const left = startBudgetLeftFollower({ pool, redis, subscriber, log });
  const monitorName = `${config.INSTANCE_NAME}:${randomUUID()}`;
  const pacing = startPacingController({ pool, redis, monitor: monitorName, log, metrics });
  const temporal = createTemporalClient(config);
  const consumer = kafka.consumer({ groupId: groupName(config, CONSUMER_GROUPS.budgetMonitor) });
  const group = new GroupMembership(consumer, log);
  await consumer.connect();
  const monitor = await runBudgetMonitor({
    pool,
    consumer,
    group,
    adEventsTopic: topicName(config, TOPICS.adEvents),
    partitions: config.KAFKA_PARTITIONS,
    signalAutoTopUp: (advertiserId) =>
      temporal.client.connection.withDeadline(Date.now() + SIGNAL_WITHIN_MS, () =>
        signalAutoTopUp(temporal.client, advertiserId),
      ),
    log,
    metrics,
  });
  const mailer = createMailer(config);
  const alimtalk = createAlimtalkSender(config);
  const notices = startNotificationSender({ pool, mailer, alimtalk, now: clock.now, log, metrics });
  const housekeeping = startHousekeeping(
    pool,
    async () => (await readRankingParameters(pool)).bidFloorKrw,
    log,
  );

  return {
    name: 'budget-monitor',
    ready: async () => {
      const ageMs = relay.ageMs();
      metrics.gauge('ads_stop_relay_age_ms', 'Since PostgreSQL and Redis last agreed on stops').set(ageMs);
      return { ok: ageMs < STALE_MS, detail: { relayAgeMs: ageMs, ...group.detail() } };
    },
    stop: async () => {
      await Promise.all(tickers.map((ticker) => ticker.stop()));
      await group.leave();
      await monitor.stop();
      await pacing.stop();
      await left.stop();
      await relay.stop();
      await notices.stop();
      mailer.close();
      await housekeeping.stop();
      clock.stop();
      await admin.disconnect();
      await producer.disconnect();
      redis.disconnect();
      subscriber.disconnect();
      await temporal.close();
      await pool.end();
    },
  };
}
