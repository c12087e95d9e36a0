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
    completed: z
      .object({
        id: z.number(),
        external_path: z.string(),
        latest_ack_timestamp: z.number(),
        state_size: z.number(),
      })
      .nullish(),
  }),
});
const metricNamesSchema = z.array(z.object({ id: z.string() }));
const metricSumsSchema = z.array(z.object({ id: z.string(), sum: z.number() }));
const exceptionsSchema = z.object({
  exceptionHistory: z.object({ entries: z.array(z.object({ stacktrace: z.string() })) }).optional(),
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
  readonly newest: { readonly path: string; readonly atMs: number; readonly bytes: number } | undefined;
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

/** `Sink_conversion_result[12]__Writer.refusedRows` is `refusedRows`. */
const lastName = (metric: string) => metric.slice(metric.lastIndexOf('.') + 1);

/** The JobManager's REST API. Every call throws when it cannot be reached. */
export class JobManagerClient {
  constructor(private readonly baseUrl: string) {}

  /** Task managers that can take work. */
  async taskManagers(): Promise<number> {
    const schema = z.object({ taskmanagers: z.number() });
    return (await request(`${this.baseUrl}/overview`, schema)).taskmanagers;
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
   * Metrics of operators by their last name (`numLateRecordsDropped`), summed over the whole job. One that no operator
   * has is missing, and so is every one in the first seconds of a job.
   */
  async operatorSums(id: string, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const { vertices } = await request(`${this.baseUrl}/jobs/${id}`, detailSchema);
    const sums: Record<string, number> = {};
    for (const vertex of vertices) {
      const url = `${this.baseUrl}/jobs/${id}/vertices/${vertex.id}/subtasks/metrics`;
      const known = await request(url, metricNamesSchema);
      const wanted = known.map((metric) => metric.id).filter((name) => names.includes(lastName(name)));
      if (wanted.length === 0) continue;
      const query = wanted.map(encodeURIComponent).join(',');
      for (const metric of await request(`${url}?agg=sum&get=${query}`, metricSumsSchema)) {
        const name = lastName(metric.id);
        sums[name] = (sums[name] ?? 0) + metric.sum;
      }
    }
    return sums;
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
      newest: newest
        ? { path: newest.external_path, atMs: newest.latest_ack_timestamp, bytes: newest.state_size }
        : undefined,
    };
  }

  /** Why the job failed last, in its root cause's words. */
  async lastFailure(id: string): Promise<string | undefined> {
    const { exceptionHistory } = await request(`${this.baseUrl}/jobs/${id}/exceptions`, exceptionsSchema);
    const lines = exceptionHistory?.entries[0]?.stacktrace.split('\n') ?? [];
    const causes = lines.filter((line) => line.trim() !== '' && !/^\s*(at|\.\.\.) /.test(line));
    return causes.at(-1)?.slice(0, 500) ?? lines[0];
  }

  /** Asks for the end; the job is gone some time later. A job that has ended already is no error. */
  async cancel(id: string): Promise<void> {
    try {
      await request(`${this.baseUrl}/jobs/${id}?mode=cancel`, z.unknown(), { method: 'PATCH' });
    } catch (error) {
      if (!(error instanceof FlinkError && (error.status === 404 || error.status === 409))) throw error;
    }
  }
}
