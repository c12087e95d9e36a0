import { parseArgs } from 'node:util';
import { statementFolder } from '../flink/checkpoint-store.js';
import { readDesiredState } from '../flink/desired-state.js';
import { type FlinkJob, hasEnded, JobManagerClient } from '../flink/job-manager-client.js';
import { observeJob } from '../flink/observe-job.js';
import { readFigures } from '../flink/statement-figures.js';
import { PARAMETERS, statementJob } from '../flink/statement-job.js';
import { STATEMENTS, type StatementSpec } from '../flink/statements.js';
import type { ProcessContext } from './process.js';

/** `status [--json]`. Exit code 0 when everything is as desired. */
export async function showStatus(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
  const jobManager = new JobManagerClient(context.config.FLINK_REST_URL);
  const jobs = await jobManager.jobs();
  const rows = await Promise.all(STATEMENTS.map((spec) => statusOf(context, jobManager, jobs, spec)));
  process.stdout.write(
    values.json ? `${JSON.stringify({ statements: rows }, null, 2)}\n` : `${rows.map(text).join('\n\n')}\n`,
  );
  return rows.every((row) => row.asDesired) ? 0 : 1;
}

async function statusOf(
  { config }: ProcessContext,
  jobManager: JobManagerClient,
  jobs: readonly FlinkJob[],
  spec: StatementSpec,
) {
  const own = statementJob(spec, config);
  const wish = await readDesiredState(statementFolder(config.FLINK_CHECKPOINT_DIR, own.jobName));
  const desired = wish?.state ?? 'running';
  const job = jobs.find(({ name, state }) => name === own.jobName && !hasEnded({ state }));
  const base = { statement: spec.name, desired, desiredBy: wish?.by ?? null, desiredAt: wish?.at ?? null };
  if (job === undefined) return { ...base, asDesired: desired === 'stopped', state: 'no job', job: null };
  // It has no parameters and figures yet.
  if (job.state === 'INITIALIZING') return { ...base, asDesired: false, state: job.state, job: null };
  const [seen, figures, parameters] = await Promise.all([
    observeJob(jobManager, job),
    readFigures(jobManager, job.id),
    jobManager.jobParameters(job.id),
  ]);
  return {
    ...base,
    asDesired: desired === 'running' && seen.running,
    state: seen.detail,
    job: {
      id: job.id,
      since: new Date(job.startedAtMs).toISOString(),
      thisText: parameters[PARAMETERS.deployment] === own.deploymentHash,
      restoredFrom: seen.restoredFrom ?? null,
      restarts: seen.restarts ?? null,
      checkpointAgeMs: seen.checkpointAgeMs ?? null,
      checkpointBytes: seen.checkpointBytes ?? null,
      failedCheckpoints: seen.failedCheckpoints,
      lagRecords: figures.lagRecords ?? null,
      eventTimeLagMs: figures.watermarkMs === undefined ? null : Date.now() - figures.watermarkMs,
      lateRecords: figures.lateRecords,
      setAsideRecords: figures.setAsideRecords,
      refusedRows: figures.refusedRows,
      waitingRows: figures.waitingRows,
      waitingKeys: figures.waitingKeys,
    },
  };
}

type Row = Awaited<ReturnType<typeof statusOf>>;
const seconds = (ms: number | null) => (ms === null ? '–' : `${(ms / 1_000).toFixed(1)} s`);
const figure = (value: number | null) => (value === null ? '–' : value.toLocaleString('en'));

function text(row: Row): string {
  const wish = row.desiredBy === null ? '' : ` (${row.desiredBy}, ${row.desiredAt})`;
  const head = `${row.asDesired ? 'ok    ' : 'NOT OK'} ${row.statement}: ${row.state}; desired: ${row.desired}${wish}`;
  if (row.job === null) return head;
  const { job } = row;
  return [
    head,
    `       job         ${job.id}, since ${job.since}${job.thisText ? '' : ', runs ANOTHER TEXT than this build'}`,
    `       state       restored from ${job.restoredFrom ?? 'nothing: the log'}; restarts ${figure(job.restarts)}`,
    `       checkpoint  ${seconds(job.checkpointAgeMs)} old, ${figure(job.checkpointBytes)} bytes, failed ${figure(job.failedCheckpoints)}`,
    `       lag         ${figure(job.lagRecords)} records; event time ${seconds(job.eventTimeLagMs)} behind the clock of this machine`,
    `       rows        late ${figure(job.lateRecords)}, set aside ${figure(job.setAsideRecords)}, refused ${figure(job.refusedRows)}, waiting ${figure(job.waitingRows)} (PostgreSQL) ${figure(job.waitingKeys)} (Redis)`,
  ].join('\n');
}
