import { parseArgs } from 'node:util';
import { CheckpointStore } from '../flink/checkpoint-store.js';
import { SqlGatewayClient } from '../flink/gateway-client.js';
import { hasEnded, JobManagerClient } from '../flink/job-manager-client.js';
import { PARAMETERS, type StatementJob, statementJob } from '../flink/statement-job.js';
import { statementNamed } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';

/** `explain <statement> [--text]`: what this build would deploy, and what would become of the state. */
export async function explain({ config }: ProcessContext, args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { text: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const job = statementJob(statementNamed(positionals[0]), config);
  if (values.text) {
    process.stdout.write(`${job.text()}\n`);
    return 0;
  }
  const store = new CheckpointStore(config.FLINK_CHECKPOINT_DIR, job.jobName, job.spec.stateVersion);
  const effect = await effectOf(new JobManagerClient(config.FLINK_REST_URL), job, store);
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  const plan = await gateway.withSession(job.settings, (session) => job.execute(session, asExplanation));
  const lines = plan.rows.flatMap((row) => Object.values(row).map(String));
  process.stdout.write(`${lines.join('\n')}\n\n${effect}\n`);
  return 0;
}

/** The statement that would start the job, as a question about it. Throws rather than start one. */
export function asExplanation(sql: string): string {
  const question = sql
    .replace(/^((?:\s*--.*\n)*\s*)EXECUTE\s+STATEMENT\s+SET/i, '$1EXPLAIN STATEMENT SET')
    .replace(/^((?:\s*--.*\n)*\s*)INSERT\s+INTO/i, '$1EXPLAIN PLAN FOR INSERT INTO');
  if (question === sql) throw new Error('the last part of the statement starts no job');
  return question;
}

async function effectOf(
  jobManager: JobManagerClient,
  job: StatementJob,
  store: CheckpointStore,
): Promise<string> {
  const live = (await jobManager.jobs()).find(
    ({ name, state }) => name === job.jobName && !hasEnded({ state }),
  );
  const states = await store.newestFirst();
  const from = states[0] ?? 'the start of the log';
  if (live === undefined) return `A deployment now: nothing runs; it would start from ${from}.`;
  const parameters = await jobManager.jobParameters(live.id);
  if (parameters[PARAMETERS.deployment] === job.deploymentHash)
    return 'A deployment now: unchanged. The running job stays.';
  const running = parameters[PARAMETERS.stateVersion];
  if (running === String(job.spec.stateVersion))
    return 'A deployment now: state kept. The running job stops with a savepoint, and this text goes on from it, if Flink can map it (docs/adr/0015).';
  return `A deployment now: replay. The running job has state version ${running ?? 'none'}, this text ${job.spec.stateVersion}: it would start from ${from}.`;
}
