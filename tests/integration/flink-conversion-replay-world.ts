import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { AdEvent } from '../../contracts/events/ad-events.js';
import type { ConversionEvent } from '../../contracts/events/conversion-events.js';
import { HEADER_TYPE, TOPICS, type TopicName } from '../../contracts/topics.js';
import { type Conversion, type ConversionRules, REVERSAL_HORIZON_MS } from '../../domain/conversion-match.js';
import { hasEnded, JobManagerClient } from '../../flink/job-manager-client.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { openPool } from '../../infra/postgres.js';
import type { ConversionReplayRow } from '../../operations/read-conversion-replays.js';
import { lookAtReplay, type ReplayWish, startReplay } from '../../processes/flink-replay-run.js';
import { createTestDatabase } from '../support/database.js';
import { conversionsOfEvents } from '../support/flink/conversion-oracle.js';
import { poll } from '../support/poll.js';

const REPLAY_DEADLINE_MS = 60_000;

export interface ReplayedLog {
  readonly adEvents: readonly AdEvent[];
  readonly conversionEvents: readonly ConversionEvent[];
}

export type ReplayWorld = Awaited<ReturnType<typeof openReplayWorld>>;

/** A log of its own on Kafka, a database of its own, and the Flink of the stack: no statement runs here but replays. */
export async function openReplayWorld(log: ReplayedLog) {
  const logger = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
  const db = await createTestDatabase();
  const loaded = loadConfig();
  const flinkUrl = new URL(loaded.FLINK_DATABASE_URL);
  flinkUrl.pathname = new URL(db.ownerUrl).pathname;
  const config: Config = {
    ...loaded,
    TOPIC_PREFIX: `replay-${randomUUID().slice(0, 8)}-`,
    FLINK_MATCH_WATERMARK_SECONDS: 5,
    FLINK_DATABASE_URL: flinkUrl.href,
    DATABASE_URL: db.appUrl,
  };
  await createTopics(config, logger);
  const kafka = createKafka(config, logger);
  const admin = kafka.admin();
  await admin.connect();
  await appendLog(config, logger, log);
  const flinkPool = openPool({ connectionString: flinkUrl.href, max: 1 });
  const jobManager = new JobManagerClient(config.FLINK_REST_URL);
  const ours = async () =>
    (await jobManager.jobs()).filter((job) => job.name.startsWith(config.TOPIC_PREFIX));
  const deps = { config, log: logger, pool: db.appPool };

  const untilEnded = (replay: ConversionReplayRow) =>
    poll(
      `replay ${replay.id} ended`,
      async () => {
        const seen = await lookAtReplay(deps, replay);
        return seen.replay.state === 'running' ? undefined : seen.replay;
      },
      REPLAY_DEADLINE_MS,
      100,
    );

  return {
    db,
    flinkPool,
    admin,
    config,
    logger,
    deps,
    /** Also when nobody looks: a job whose replay was given up goes on to its end, and writes nothing. */
    untilNoJobRuns: () =>
      poll('no job of ours runs', async () => (await ours()).every(hasEnded), REPLAY_DEADLINE_MS, 100),
    topic: (name: TopicName) => topicName(config, name),
    start: (wish: Pick<ReplayWish, 'rules' | 'from' | 'to'>) =>
      startReplay(deps, { actorId: 'usr_admin', actorRole: 'admin', via: 'cli', ...wish }),
    untilEnded,
    /** As the deployed statement writes a cancellation that comes now. */
    cancel: (orderLineId: string, cancelledAt: number) =>
      flinkPool.query(
        `INSERT INTO order_line_cancellation (order_line_id, cancelled_at_ms, horizon_ms, topic, log_partition, log_offset,
           record_key, record, reason_beyond)
         VALUES ($1, $2, $3, $4, 0, 1000000, 'device', '{}', 'horizon: too late')
         ON CONFLICT (order_line_id) DO UPDATE SET cancelled_at_ms = excluded.cancelled_at_ms`,
        [orderLineId, cancelledAt, REVERSAL_HORIZON_MS, topicName(config, TOPICS.conversionEvents)],
      ),
    close: async () => {
      for (const job of await ours()) await jobManager.cancel(job.id);
      await poll('our jobs ended', async () => (await ours()).every(hasEnded));
      await admin.deleteTopics({ topics: Object.values(TOPICS).map((name) => topicName(config, name)) });
      await admin.disconnect();
      await flinkPool.end();
      await db.drop();
    },
  };
}

async function appendLog(config: Config, logger: pino.Logger, log: ReplayedLog): Promise<void> {
  const producer = await connectProducer(createKafka(config, logger));
  const send = (name: TopicName, keyed: readonly { key: string; event: AdEvent | ConversionEvent }[]) =>
    producer.send({
      topic: topicName(config, name),
      acks: -1,
      messages: keyed.map(({ key, event }) => ({
        key,
        value: JSON.stringify(event),
        headers: { [HEADER_TYPE]: event.type },
      })),
    });
  await send(
    TOPICS.adEvents,
    log.adEvents.map((event) => ({ key: 'advertiserId' in event ? event.advertiserId : event.type, event })),
  );
  await send(
    TOPICS.conversionEvents,
    log.conversionEvents.map((event) => ({
      key: 'deviceHash' in event ? event.deviceHash : event.type,
      event,
    })),
  );
  await producer.disconnect();
}

/** By the functions of domain/. */
export const matchedBy = (log: ReplayedLog, rules: ConversionRules): readonly Conversion[] =>
  conversionsOfEvents(log.adEvents, log.conversionEvents, rules);

/** As PostgreSQL holds it, in the order of order lines. */
export const asRows = (conversions: readonly Conversion[]) =>
  conversions
    .map(({ orderId: _orderId, ...conversion }) => conversion)
    .sort((a, b) => (a.orderLineId < b.orderLineId ? -1 : 1));

const ROW = `order_line_id AS "orderLineId", click_id AS "clickId", ad_id AS "adId", campaign_id AS "campaignId",
  advertiser_id AS "advertiserId", placement, product_id AS "productId", match, quantity,
  conversion_value_krw AS "conversionValueKrw", clicked_at_ms AS "clickedAt", converted_at_ms AS "convertedAt",
  reversed_at_ms AS "reversedAt"`;

export async function rowsOfReplay(world: ReplayWorld, id: number) {
  const { rows } = await world.db.appPool.query(
    `SELECT ${ROW} FROM conversion_replay_row WHERE replay_id = $1 ORDER BY order_line_id COLLATE "C"`,
    [id],
  );
  return rows;
}

export async function shownRows(world: ReplayWorld) {
  const { rows } = await world.db.appPool.query(
    `SELECT ${ROW} FROM attributed_conversion ORDER BY order_line_id COLLATE "C"`,
  );
  return rows;
}

/** What the deployed statement writes, by its role: the rules of domain/, which its own tests compare it with. */
export async function writeDeployedResults(world: ReplayWorld, conversions: readonly Conversion[]) {
  await world.flinkPool.query(
    `INSERT INTO conversion_result (order_line_id, click_id, ad_id, campaign_id, advertiser_id, placement, product_id,
       match, quantity, conversion_value_krw, clicked_at_ms, converted_at_ms, reversed_at_ms, rules_version)
     SELECT "orderLineId", "clickId", "adId", "campaignId", "advertiserId", placement, "productId", match, quantity,
       "conversionValueKrw", "clickedAt", "convertedAt", "reversedAt", 1
     FROM jsonb_to_recordset($1) AS c("orderLineId" text, "clickId" text, "adId" text, "campaignId" text,
       "advertiserId" text, placement text, "productId" text, match text, quantity bigint,
       "conversionValueKrw" bigint, "clickedAt" bigint, "convertedAt" bigint, "reversedAt" bigint)`,
    [JSON.stringify(conversions)],
  );
}

/** Every table that holds money, as one text each: any byte that changes changes it. */
export async function moneyTables(world: ReplayWorld): Promise<Readonly<Record<string, string>>> {
  const { rows } = await world.db.ownerPool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relnamespace = 'public'::regnamespace
       AND c.relname !~ '^(conversion_|audit_log|_prisma)' ORDER BY 1`,
  );
  const digests: Record<string, string> = {};
  for (const { name } of rows) {
    const { rows: digest } = await world.db.ownerPool.query<{ rows: string; md5: string }>(
      `SELECT count(*)::text AS rows, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS md5 FROM "${name}" t`,
    );
    digests[name] = `${digest[0]?.rows} ${digest[0]?.md5}`;
  }
  return digests;
}
