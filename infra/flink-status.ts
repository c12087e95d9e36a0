import { z } from 'zod';

const TIMEOUT_MS = 2_500;
const jobsSchema = z.object({
  jobs: z.array(z.object({ jid: z.string(), name: z.string(), state: z.string() })),
});
const checkpointsSchema = z.object({
  latest: z.object({ completed: z.object({ latest_ack_timestamp: z.number() }).nullish() }),
});

export interface FlinkJobStatus {
  readonly name: string;
  readonly state: string;
  /** Epoch ms; null: none yet. */
  readonly lastCheckpointAt: number | null;
}

/** The jobs that the JobManager knows and that have not ended. Throws when it does not answer. */
export async function readFlinkJobs(baseUrl: string): Promise<FlinkJobStatus[]> {
  const { jobs } = await get(`${baseUrl}/jobs/overview`, jobsSchema);
  const open = jobs.filter((job) => !['FINISHED', 'CANCELED', 'FAILED'].includes(job.state));
  return Promise.all(
    open.map(async ({ jid, name, state }) => {
      const { latest } = await get(`${baseUrl}/jobs/${jid}/checkpoints`, checkpointsSchema);
      return { name, state, lastCheckpointAt: latest.completed?.latest_ack_timestamp ?? null };
    }),
  );
}

async function get<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`Flink answers ${response.status}`);
  return schema.parse(await response.json());
}
