import { z } from 'zod';
import { request } from '../flink/gateway-client.js';
import type { Variables } from '../flink/render-statement.js';
import { createKafka, groupName, topicName } from '../infra/kafka.js';
import { createLogger } from '../infra/log.js';
import type { Stack } from '../stack/start-stack.js';
import { poll } from '../tests/support/poll.js';
import type { BenchRow } from './bench-row.js';
import { AppendedLog } from './flink-append.js';
import { FlinkJobs, specOf, topicsOf } from './flink-job.js';
import { campaignRecords, type LogRecord, ShopLog, STEP_RECORDS } from './flink-log.js';
import { withFlinkStores } from './flink-stores.js';
import type { FlinkWish } from './flink-wish.js';

/**
 * How large the state of each statement is as event time goes on: a thin log of two days, appended in stages. A
 * stage is over when a checkpoint has committed the offsets behind its last record; that checkpoint is measured.
 */
const HOURS = [1, 6, 12, 24, 30, 36, 42, 48] as const;
const HOUR_MS = 3_600_000;
const STATEMENTS = ['rtb-ranking', 'conversion-match-24h', 'performance-5m'];
const CAUGHT_UP_WITHIN_MS = 240_000;
/**
 * An aggregate over the last 24 hours lets go of a key that nobody uses any more after 36 (Flink: one and a half times
 * its range). From then on nothing that event time frees may grow; a twentieth is the noise of a random log.
 */
const SETTLED_HOURS = [36, 42] as const;
const LAST_HOUR = Math.max(...HOURS);
const MOST_GROWTH = 1.05;
/**
 * Parts that keep ids and matches for a time of real hours, in statements that set one: a replay of two days in
 * minutes only adds to them. All else is freed by event time, or holds one row per campaign or ad.
 */
const BY_REAL_TIME = /^(Deduplicate|Join)\[/;
/** One function of performance holds its ids beside its sums: here it forgets them at once, and the sums are seen. */
const RULES: Readonly<Record<string, Variables>> = { 'performance-5m': { REPEAT_TTL_MS: '2' } };
const REAL_TIME_SETTING = 'table.exec.state.ttl';
const MB = 1_000_000;

interface Sample {
  readonly hour: number;
  readonly freedBytes: number;
  readonly keptBytes: number;
}

export async function benchState(stack: Stack, wish: FlinkWish): Promise<BenchRow[]> {
  const log = await AppendedLog.create();
  return withFlinkStores(log.config, async ({ config }) => {
    const jobs = new FlinkJobs(log, config, () => stack.pidOf('flink-taskmanager'));
    await log.append(campaignRecords(wish.log.startMs));
    const ids = new Map<string, string>();
    try {
      const often = {
        'execution.checkpointing.interval': '1 s',
        'execution.checkpointing.min-pause': '500 ms',
      };
      for (const statement of STATEMENTS) {
        const settings = { ...often, ...wish.settings };
        const job = { statement, parallelism: 1, settings, sql: null, rules: RULES[statement] ?? {} };
        ids.set(statement, await jobs.startStatement(job));
      }
      const samples = await sampleByHour(log, ids, wish);
      return STATEMENTS.map((statement) => rowOf(statement, wish.stateStepMs, samples.get(statement) ?? []));
    } finally {
      for (const id of ids.values()) await jobs.cancel(id);
    }
  });
}

async function sampleByHour(
  log: AppendedLog,
  ids: ReadonlyMap<string, string>,
  { stateStepMs: stepMs, log: { seed, startMs } }: FlinkWish,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const steps = (LAST_HOUR * HOUR_MS) / stepMs;
  const shop = new ShopLog({ seed, startMs, stepMs, events: steps * STEP_RECORDS });
  const source = shop.steps();
  const samples = new Map<string, Sample[]>();
  for (const hour of HOURS) {
    await log.append(untilTime(source, startMs + hour * HOUR_MS - stepMs));
    for (const [statement, id] of ids) {
      await untilCommitted(log, statement);
      const sample = { hour, ...(await newestSizes(log.config.FLINK_REST_URL, statement, id)) };
      samples.set(statement, [...(samples.get(statement) ?? []), sample]);
      process.stdout.write(
        `  ${hour} h, ${statement}: ${megabytes(sample.freedBytes)} and ${megabytes(sample.keptBytes)} by real time\n`,
      );
    }
  }
  return samples;
}

function* untilTime(
  source: Generator<{ readonly at: number; readonly records: readonly LogRecord[] }>,
  lastMs: number,
): Generator<LogRecord> {
  for (;;) {
    const { value, done } = source.next();
    if (done === true) return;
    yield* value.records;
    if (value.at >= lastMs) return;
  }
}

/** A checkpoint commits what the statement has read: everything that was appended, on every partition. */
async function untilCommitted(log: AppendedLog, statement: string): Promise<void> {
  const { config } = log;
  const admin = createKafka(config, createLogger(config, 'bench')).admin();
  await admin.connect();
  try {
    const topics = topicsOf(statement);
    const isRead = async () => {
      const read = await admin.fetchOffsets({
        groupId: groupName(config, `flink-${statement}`),
        topics: topics.map((topic) => topicName(config, topic)),
      });
      return topics.every((topic) => {
        const partitions = read.find((one) => one.topic === topicName(config, topic))?.partitions ?? [];
        return log
          .endsOf(topic)
          .every((end, partition) =>
            partitions.some((one) => one.partition === partition && Number(one.offset) >= end),
          );
      });
    };
    await poll(`${statement} has read everything`, isRead, CAUGHT_UP_WITHIN_MS, 200);
  } finally {
    await admin.disconnect();
  }
}

const newestSchema = z.object({ latest: z.object({ completed: z.object({ id: z.number() }) }) });
const verticesSchema = z.object({ vertices: z.array(z.object({ id: z.string(), name: z.string() })) });
const sizesSchema = z.object({ tasks: z.record(z.string(), z.object({ state_size: z.number() })) });

/** Of the newest checkpoint: what event time frees, and what real time does. */
async function newestSizes(restUrl: string, statement: string, jobId: string): Promise<Omit<Sample, 'hour'>> {
  const hasRealTime = REAL_TIME_SETTING in specOf(statement).settings;
  const job = `${restUrl}/jobs/${jobId}`;
  const { latest } = await request(`${job}/checkpoints`, newestSchema);
  const { tasks } = await request(`${job}/checkpoints/details/${latest.completed.id}`, sizesSchema);
  const { vertices } = await request(job, verticesSchema);
  let freedBytes = 0;
  let keptBytes = 0;
  for (const { id, name } of vertices) {
    const bytes = tasks[id]?.state_size ?? 0;
    if (hasRealTime && BY_REAL_TIME.test(name)) keptBytes += bytes;
    else freedBytes += bytes;
  }
  return { freedBytes, keptBytes };
}

const megabytes = (bytes: number) => `${(bytes / MB).toFixed(2)} MB`;

function rowOf(statement: string, stepMs: number, samples: readonly Sample[]): BenchRow {
  const freedAt = (hour: number) => samples.find((sample) => sample.hour === hour)?.freedBytes ?? Number.NaN;
  const told = samples.map(
    ({ hour, freedBytes, keptBytes }) =>
      `${hour} h ${megabytes(freedBytes)}${keptBytes === 0 ? '' : ` + ${megabytes(keptBytes)}`}`,
  );
  const recordsPerHour = (HOUR_MS / stepMs) * STEP_RECORDS;
  return {
    what: `${statement}, state that event time frees, after ${LAST_HOUR} hours`,
    against: `the most after ${SETTLED_HOURS.join(' or ')} hours`,
    ratio: freedAt(LAST_HOUR) / Math.max(...SETTLED_HOURS.map(freedAt)),
    target: { atMost: MOST_GROWTH },
    unit: 'x',
    details: `${recordsPerHour} events an hour; checkpoint after ${told.join(', ')} (+ what real time frees, which this replay of two days in minutes does not reach); from 24 h to 36 h ${(freedAt(36) / freedAt(24)).toFixed(2)} x`,
  };
}
