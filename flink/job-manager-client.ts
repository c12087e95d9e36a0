import { z } from 'zod';
import { FlinkError, request } from './gateway-client.js';

const stateSchema = z.enum([
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
]);
export type JobState = z.infer<typeof stateSchema>;

const overviewSchema = z.object({
  jobs: z.array(
    z.object({ jid: z.string(), name: z.string(), state: stateSchema, 'start-time': z.number() }),
  ),
});
const detailSchema = z.object({
  state: stateSchema,
  vertices: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })),
});
const configSchema = z.object({
  'execution-config': z.object({ 'user-config': z.record(z.string(), z.string()) }).optional(),
});
const checkpointsSchema = z.object({
  counts: z.object({ completed: z.number(), failed: z.number() }),
  latest: z.object({
    completed: z.object({ latest_ack_timestamp: z.number(), state_size: z.number() }).nullish(),
    restored: z.object({ external_path: z.string().nullish() }).nullish(),
  }),
});
const metricNamesSchema = z.array(z.object({ id: z.string() }));
/** Flink writes some figures as text, and one that is no number as `NaN`. */
const figureSchema = z.coerce.number().catch(Number.NaN);
const metricSumSchema = z.object({ id: z.string(), sum: figureSchema, min: figureSchema });
type MetricSum = z.infer<typeof metricSumSchema>;
const metricSumsSchema = z.array(metricSumSchema);
const jobMetricsSchema = z.array(z.object({ id: z.string(), value: figureSchema }));
const exceptionsSchema = z.object({
  'root-exception': z.string().nullish(),
  exceptionHistory: z.object({ entries: z.array(z.object({ stacktrace: z.string() })) }).optional(),
});
const triggeredSchema = z.object({ 'request-id': z.string() });
const savepointSchema = z.object({
  status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
  operation: z
    .object({
      location: z.string().nullish(),
      'failure-cause': z.object({ 'stack-trace': z.string() }).nullish(),
    })
    .nullish(),
});

export interface FlinkJob {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly startedAtMs: number;
}

export interface Checkpoints {
  readonly completed: number;
  readonly failed: number;
  readonly newest: { readonly atMs: number; readonly bytes: number } | undefined;
  /** What the job started from last: at its submission, or at its last restart. */
  readonly restoredFrom: string | undefined;
}

export interface Capacity {
  readonly taskManagers: number;
  readonly freeSlots: number;
}

export type Savepoint =
  | { readonly state: 'in progress' }
  | { readonly state: 'completed'; readonly uri: string }
  | { readonly state: 'failed'; readonly problem: string };

export interface OperatorFigures {
  readonly sums: Readonly<Record<string, number>>;
  readonly least: Readonly<Record<string, number>>;
}

const ENDED: ReadonlySet<JobState> = new Set<JobState>(['FAILED', 'CANCELED', 'FINISHED']);
/** These end by themselves, or come back as something else: wait for them rather than start a second job. */
const ENDING: ReadonlySet<JobState> = new Set<JobState>([
  'FAILING',
  'CANCELLING',
  'SUSPENDED',
  'RECONCILING',
]);

export const hasEnded = (job: Pick<FlinkJob, 'state'>) => ENDED.has(job.state);
export const isEnding = (job: Pick<FlinkJob, 'state'>) => ENDING.has(job.state);

/** `Source__ad_clicks[1].numRecordsIn`. */
const SOURCE_RECORDS = /^Source.*\.numRecordsIn$/;
/** `Sink_conversion_result[12]__Writer.refusedRows` is `refusedRows`. */
const lastName = (metric: string) => metric.slice(metric.lastIndexOf('.') + 1);

/** The JobManager's REST API. Every call throws when it cannot be reached. */
export class JobManagerClient {
  constructor(private readonly baseUrl: string) {}

  /** Task managers that can take work, and their free slots: a job needs one for each of its parallel parts. */
  async capacity(): Promise<Capacity> {
    const schema = z.object({ taskmanagers: z.number(), 'slots-available': z.number() });
    const overview = await request(`${this.baseUrl}/overview`, schema);
    return { taskManagers: overview.taskmanagers, freeSlots: overview['slots-available'] };
  }

  async jobs(): Promise<readonly FlinkJob[]> {
    const { jobs } = await request(`${this.baseUrl}/jobs/overview`, overviewSchema);
    return jobs.map((job) => ({
      id: job.jid,
      name: job.name,
      state: job.state,
      startedAtMs: job['start-time'],
    }));
  }

  /** The job's state, and its parts that do not run yet. */
  async job(id: string): Promise<{ state: JobState; waiting: readonly string[] }> {
    const { state, vertices } = await request(`${this.baseUrl}/jobs/${id}`, detailSchema);
    const waiting = vertices.filter((vertex) => vertex.status !== 'RUNNING' && vertex.status !== 'FINISHED');
    return { state, waiting: waiting.map((vertex) => `${vertex.status} ${vertex.name.slice(0, 60)}`) };
  }

  /**
   * Metrics of operators by their last name (`numLateRecordsDropped`), summed over the whole job, and the least value
   * of any part. One that no operator has is missing, and so is every one in the first seconds of a job.
   */
  async operatorFigures(id: string, names: readonly string[]): Promise<OperatorFigures> {
    const sums: Record<string, number> = {};
    const least: Record<string, number> = {};
    for (const metric of await this.metricsOf(id, (name) => names.includes(lastName(name)))) {
      const name = lastName(metric.id);
      if (Number.isFinite(metric.sum)) sums[name] = (sums[name] ?? 0) + metric.sum;
      // A source without event time says -2^63 all its life.
      if (metric.min > 0) least[name] = Math.min(least[name] ?? metric.min, metric.min);
    }
    return { sums, least };
  }

  /** The sums alone. */
  async operatorSums(id: string, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
    return (await this.operatorFigures(id, names)).sums;
  }

  /**
   * What the sources have read, before anything is filtered. 0 in a job's first seconds, and when it has ended: Flink
   * drops the metrics then.
   */
  async recordsRead(id: string): Promise<number> {
    const read = await this.metricsOf(id, (name) => SOURCE_RECORDS.test(name));
    return read.reduce((total, { sum }) => total + (Number.isFinite(sum) ? sum : 0), 0);
  }

  /** Of every vertex: the metrics of its operators that are wanted, over all of its parts. */
  private async metricsOf(id: string, isWanted: (name: string) => boolean): Promise<readonly MetricSum[]> {
    const { vertices } = await request(`${this.baseUrl}/jobs/${id}`, detailSchema);
    const found: MetricSum[] = [];
    for (const vertex of vertices) {
      const url = `${this.baseUrl}/jobs/${id}/vertices/${vertex.id}/subtasks/metrics`;
      const wanted = (await request(url, metricNamesSchema)).map((metric) => metric.id).filter(isWanted);
      if (wanted.length === 0) continue;
      const query = wanted.map(encodeURIComponent).join(',');
      found.push(...(await request(`${url}?agg=sum,min&get=${query}`, metricSumsSchema)));
    }
    return found;
  }

  /** How often the job was restarted, whole or in part, since it was submitted. */
  async restarts(id: string): Promise<number | undefined> {
    const url = `${this.baseUrl}/jobs/${id}/metrics?get=numRestarts`;
    const value = (await request(url, jobMetricsSchema))[0]?.value;
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  }

  /** What was given to the job as `pipeline.global-job-parameters`. */
  async jobParameters(id: string): Promise<Readonly<Record<string, string>>> {
    const config = await request(`${this.baseUrl}/jobs/${id}/config`, configSchema);
    return config['execution-config']?.['user-config'] ?? {};
  }

  async checkpoints(id: string): Promise<Checkpoints> {
    const { counts, latest } = await request(`${this.baseUrl}/jobs/${id}/checkpoints`, checkpointsSchema);
    const newest = latest.completed;
    return {
      ...counts,
      newest: newest ? { atMs: newest.latest_ack_timestamp, bytes: newest.state_size } : undefined,
      // Flink says file:/a where it was told file:///a.
      restoredFrom: latest.restored?.external_path ? new URL(latest.restored.external_path).href : undefined,
    };
  }

  /** Why the job failed each time, newest first, with all Java frames. */
  async failureTraces(id: string): Promise<readonly string[]> {
    const answer = await request(`${this.baseUrl}/jobs/${id}/exceptions`, exceptionsSchema);
    const traces = answer.exceptionHistory?.entries.map((entry) => entry.stacktrace) ?? [];
    return traces.length > 0 || !answer['root-exception'] ? traces : [answer['root-exception']];
  }

  /** Why the job failed last, in its root cause's words. */
  async lastFailure(id: string): Promise<string | undefined> {
    const [newest] = await this.failureTraces(id);
    return newest === undefined ? undefined : rootCause(newest);
  }

  /** Asks for the end; the job is gone some time later. A job that has ended already is no error. */
  async cancel(id: string): Promise<void> {
    try {
      await request(`${this.baseUrl}/jobs/${id}?mode=cancel`, z.unknown(), { method: 'PATCH' });
    } catch (error) {
      if (!(error instanceof FlinkError && (error.status === 404 || error.status === 409))) throw error;
    }
  }

  /** Begins a savepoint of a job that goes on. Gives the id to ask by. */
  async triggerSavepoint(id: string, folderUri: string): Promise<string> {
    const body = { 'target-directory': folderUri, 'cancel-job': false, formatType: 'CANONICAL' };
    const url = `${this.baseUrl}/jobs/${id}/savepoints`;
    return (await request(url, triggeredSchema, { method: 'POST', body }))['request-id'];
  }

  /**
   * Begins to stop the job with a savepoint, at one point of all of its sources. Flink knows the request by `triggerId`
   * (32 hex digits): who asks again with the same one joins the first request.
   */
  async triggerStop(id: string, folderUri: string, triggerId: string): Promise<void> {
    const body = { targetDirectory: folderUri, drain: false, formatType: 'CANONICAL', triggerId };
    await request(`${this.baseUrl}/jobs/${id}/stop`, triggeredSchema, { method: 'POST', body });
  }

  /** How a savepoint, or a stop with one, goes. Throws `FlinkError` 404 when the JobManager has forgotten it. */
  async savepoint(id: string, triggerId: string): Promise<Savepoint> {
    const url = `${this.baseUrl}/jobs/${id}/savepoints/${triggerId}`;
    const { status, operation } = await request(url, savepointSchema);
    if (status.id === 'IN_PROGRESS') return { state: 'in progress' };
    if (operation?.location) return { state: 'completed', uri: operation.location };
    return { state: 'failed', problem: rootCause(operation?.['failure-cause']?.['stack-trace'] ?? '') };
  }
}

/** The last line of a Java trace that says something. */
function rootCause(trace: string): string {
  const causes = trace.split('\n').filter((line) => line.trim() !== '' && !/^\s*(at|\.\.\.) /.test(line));
  return causes.at(-1)?.slice(0, 500) ?? 'no cause given';
}
