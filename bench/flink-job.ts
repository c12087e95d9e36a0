import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { request, SqlGatewayClient, type SqlSession } from '../flink/gateway-client.js';
import { hasEnded, JobManagerClient } from '../flink/job-manager-client.js';
import { readStatement, render, splitParts, type Variables } from '../flink/render-statement.js';
import { COMMON_SETTINGS, connectionVariables, STATEMENTS } from '../flink/statements.js';
import type { Config } from '../infra/config.js';
import { poll } from '../tests/support/poll.js';
import type { AppendedLog, TopicName } from './flink-append.js';
import { CpuWatch } from './flink-cpu.js';
import type { Round } from './rounds.js';

/** One run of a job over a log that ends. */
export interface JobWish {
  readonly statement: string;
  readonly parallelism: number;
  /** Session settings above those of the statement. */
  readonly settings: Readonly<Record<string, string>>;
  /** Text instead of the statement's own. */
  readonly sql: string | null;
  /** Rules instead of the statement's own. */
  readonly rules?: Variables;
}

export interface Vertex {
  readonly name: string;
  readonly parallelism: number;
  readonly recordsIn: number;
  readonly recordsOut: number;
  /** Seconds of its subtasks together. */
  readonly busySeconds: number;
  readonly backPressuredSeconds: number;
}

export interface JobRound extends Round {
  readonly wallSeconds: number;
  /** Processor seconds of the TaskManager while the job ran. */
  readonly cpuSeconds: number;
  readonly cpuByKind: Readonly<Record<string, number>>;
  readonly vertices: readonly Vertex[];
  /** Rows that came behind the watermark and were left out. */
  readonly late: number;
  /** Of the newest checkpoint; none in a run that was shorter than their interval. */
  readonly checkpointBytes: number | null;
}

const TOPIC_OF_SOURCE: Readonly<Record<string, TopicName>> = {
  ad_facts: 'ad-events',
  ad_events: 'ad-events',
  ad_clicks: 'ad-events',
  conversion_events: 'conversion-events',
  campaign_events: 'campaign-events',
};

const RUN_WITHIN_MS = 60_000;
/** Two million records through the slowest statement on RocksDB, and room. */
const FINISHED_WITHIN_MS = 900_000;
const POLL_MS = 20;
const SAMPLE_MS = 200;

const detailSchema = z.object({
  state: z.string(),
  vertices: z.array(
    z.object({
      name: z.string(),
      parallelism: z.number(),
      status: z.string(),
      'end-time': z.number(),
      metrics: z.object({
        'read-records': z.number(),
        'write-records': z.number(),
        // Flink's word for a part that never said.
        'accumulated-busy-time': z.union([z.number(), z.literal('NaN')]),
        'accumulated-backpressured-time': z.number(),
      }),
    }),
  ),
});
type JobDetail = z.infer<typeof detailSchema>;

export const specOf = (name: string) => {
  const spec = STATEMENTS.find((statement) => statement.name === name);
  if (spec === undefined) throw new Error(`${name} is not deployed any more`);
  return spec;
};

/** The topics that a statement reads. */
export const topicsOf = (statement: string): TopicName[] =>
  specOf(statement).tables.flatMap((table) => TOPIC_OF_SOURCE[table] ?? []);

/** A deployed statement never ends. Here it ends with its last record, and not with the checkpoint after it. */
const ENDING = { 'execution.checkpointing.checkpoints-after-tasks-finish': 'false' };

/** Statements over an appended log, on the cluster of the environment's addresses. */
export class FlinkJobs {
  readonly #gateway: SqlGatewayClient;
  readonly #jobManager: JobManagerClient;

  constructor(
    private readonly log: AppendedLog,
    private readonly config: Config,
    /** Of the TaskManager: its processor time is what is measured. */
    private readonly pid: () => number,
  ) {
    this.#gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
    this.#jobManager = new JobManagerClient(config.FLINK_REST_URL);
  }

  /** The statement as it is deployed, its real sinks included. */
  runStatement(wish: JobWish): Promise<JobRound> {
    return this.#run(wish, (session) => this.#submit(session, wish));
  }

  /** The statement as it is deployed, for ever: the caller cancels it. @returns the id of its job. */
  startStatement(wish: JobWish): Promise<string> {
    return this.#start(wish, false, (session) => this.#submit(session, wish));
  }

  /** Resolves when the job is gone, and with it its connections. */
  async cancel(jobId: string): Promise<void> {
    await this.#jobManager.cancel(jobId);
    await poll('the job is gone', async () => hasEnded(await this.#jobManager.job(jobId)));
  }

  async #submit(session: SqlSession, { statement, sql, rules }: JobWish): Promise<string | undefined> {
    const parts = sql === null ? readStatement(statement, []).parts : splitParts(sql);
    const variables = { ...this.#variables(statement), ...rules };
    let jobId: string | undefined;
    for (const part of parts) jobId = (await session.execute(render(part, variables))).jobId ?? jobId;
    return jobId;
  }

  /** The same tables with all of their columns, read and thrown away. */
  runPassThrough(wish: JobWish): Promise<JobRound> {
    return this.#run(wish, async (session) => {
      const inserts: string[] = [];
      for (const table of specOf(wish.statement).tables.filter((name) => name in TOPIC_OF_SOURCE)) {
        const columns = await physicalColumns(session, table);
        const fields = columns.map(({ name, type }) => `\`${name}\` ${type}`).join(', ');
        await session.execute(
          `CREATE TABLE nothing_of_${table} (${fields}) WITH ('connector' = 'blackhole')`,
        );
        const names = columns.map(({ name }) => `\`${name}\``).join(', ');
        inserts.push(`INSERT INTO nothing_of_${table} SELECT ${names} FROM ${table};`);
      }
      const { jobId } = await session.execute(`EXECUTE STATEMENT SET BEGIN\n${inserts.join('\n')}\nEND`);
      return jobId;
    });
  }

  #variables(statement: string): Record<string, string> {
    return { ...specOf(statement).rules, ...connectionVariables(this.config, statement) };
  }

  async #run(wish: JobWish, submit: (session: SqlSession) => Promise<string | undefined>): Promise<JobRound> {
    const jobId = await this.#start(wish, true, submit);
    return this.#measure(jobId, wish);
  }

  #start(
    wish: JobWish,
    ends: boolean,
    submit: (session: SqlSession) => Promise<string | undefined>,
  ): Promise<string> {
    const spec = specOf(wish.statement);
    const settings = {
      ...COMMON_SETTINGS,
      ...spec.settings,
      'pipeline.name': `bench ${wish.statement}`,
      'parallelism.default': String(wish.parallelism),
      'execution.checkpointing.externalized-checkpoint-retention': 'DELETE_ON_CANCELLATION',
      'restart-strategy.type': 'none',
      ...(ends ? ENDING : {}),
      ...wish.settings,
    };
    return this.#gateway.withSession(settings, async (session) => {
      for (const table of readStatement(spec.name, spec.tables).tables) {
        const definition = render(table, this.#variables(spec.name));
        await session.execute(ends ? this.#bounded(definition) : definition);
      }
      const jobId = await submit(session);
      if (jobId === undefined) throw new Error(`${wish.statement} started no job`);
      await this.#untilRuns(jobId);
      return jobId;
    });
  }

  /** The table as it is, read up to where the log ended before the first round. */
  #bounded(definition: string): string {
    const topic = Object.values(TOPIC_OF_SOURCE).find((name) =>
      definition.includes(`'${this.config.TOPIC_PREFIX}${name}'`),
    );
    if (topic === undefined || !definition.includes(`'scan.startup.mode'`)) return definition;
    const offsets = this.log.endsOf(topic).map((end, partition) => `partition:${partition},offset:${end}`);
    return definition.replace(
      `'scan.startup.mode'`,
      `'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = '${offsets.join(';')}',
  'scan.startup.mode'`,
    );
  }

  async #measure(jobId: string, wish: JobWish): Promise<JobRound> {
    const startedAt = Date.now();
    const watch = new CpuWatch(this.pid());
    const until = startedAt + FINISHED_WITHIN_MS;
    for (;;) {
      const detail = await this.#detail(jobId);
      if (detail.state === 'FINISHED') break;
      if (detail.state !== 'RUNNING')
        throw new Error(`${wish.statement}: ${detail.state}, ${await this.#jobManager.lastFailure(jobId)}`);
      if (Date.now() > until) throw new Error(`${wish.statement} has not read the log to its end`);
      watch.sample();
      await delay(SAMPLE_MS);
    }
    const { total: cpuSeconds, byKind: cpuByKind } = watch.spent();
    const { vertices } = await this.#detail(jobId);
    const endedAt = Math.max(...vertices.map((vertex) => vertex['end-time']));
    const wallSeconds = (endedAt - startedAt) / 1_000;
    const records = this.log.recordsIn(topicsOf(wish.statement));
    const { numLateRecordsDropped: late = 0 } = await this.#jobManager.operatorSums(jobId, [
      'numLateRecordsDropped',
    ]);
    return {
      perSecond: records / wallSeconds,
      cpuMicros: (cpuSeconds * 1_000_000) / records,
      wallSeconds,
      cpuSeconds,
      cpuByKind,
      late,
      checkpointBytes: (await this.#jobManager.checkpoints(jobId)).newest?.bytes ?? null,
      vertices: vertices.map(vertexOf),
    };
  }

  /** Until every part runs: planning, class loading and deployment are not what is measured. */
  async #untilRuns(jobId: string): Promise<void> {
    const until = Date.now() + RUN_WITHIN_MS;
    for (;;) {
      const { state, vertices } = await this.#detail(jobId);
      if (state === 'FAILED') throw new Error(await this.#jobManager.lastFailure(jobId));
      if (vertices.every(({ status }) => status === 'RUNNING' || status === 'FINISHED')) return;
      if (Date.now() > until) throw new Error(`job ${jobId} does not run: ${state}`);
      await delay(POLL_MS);
    }
  }

  #detail(jobId: string): Promise<JobDetail> {
    return request(`${this.config.FLINK_REST_URL}/jobs/${jobId}`, detailSchema);
  }
}

const describedSchema = z.object({ name: z.string(), type: z.string(), extras: z.string().nullable() });

/** Columns that come out of the records: neither computed nor of Kafka itself. */
async function physicalColumns(session: SqlSession, table: string) {
  const { rows } = await session.execute(`DESCRIBE ${table}`);
  return rows
    .map(({ fields }) => describedSchema.parse(fields))
    .filter(({ extras }) => extras === null || extras === '');
}

function vertexOf(vertex: JobDetail['vertices'][number]): Vertex {
  const { metrics } = vertex;
  const busy = metrics['accumulated-busy-time'];
  return {
    name: vertex.name,
    parallelism: vertex.parallelism,
    recordsIn: metrics['read-records'],
    recordsOut: metrics['write-records'],
    busySeconds: busy === 'NaN' ? 0 : busy / 1_000,
    backPressuredSeconds: metrics['accumulated-backpressured-time'] / 1_000,
  };
}
