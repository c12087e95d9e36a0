import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CheckpointStore, statementFolder } from '../flink/checkpoint-store.js';
import { writeDesiredState } from '../flink/desired-state.js';
import { type FlinkJob, hasEnded, JobManagerClient } from '../flink/job-manager-client.js';
import { PARAMETERS } from '../flink/statement-job.js';
import type { StatementSpec } from '../flink/statements.js';
import { stopWithSavepoint } from '../flink/stop-job.js';
import { statementNamed, statementsNamed, UsageError } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';

/** What stands still while a statement is stopped. */
const CONSEQUENCES: Readonly<Record<string, string>> = {
  'rtb-ranking':
    'rankings stand still: new and changed campaigns, bids and keywords are not served as they are. Charging, pauses and exhausted budgets act as ever.',
  'conversion-match-24h': 'order lines are matched later, when it runs again. None is lost.',
  'performance-5m':
    'the numbers of ads stand still, and disappear from Redis after 15 minutes; later they come.',
};
const STARTED_WITHIN_MS = 180_000;
const POLL_MS = 500;

const jobNameOf = ({ config }: ProcessContext, spec: StatementSpec) => `${config.TOPIC_PREFIX}${spec.name}`;

async function liveJob(jobManager: JobManagerClient, jobName: string): Promise<FlinkJob | undefined> {
  return (await jobManager.jobs()).find((job) => job.name === jobName && !hasEnded(job));
}

async function desire(context: ProcessContext, spec: StatementSpec, state: 'running' | 'stopped') {
  const folder = statementFolder(context.config.FLINK_CHECKPOINT_DIR, jobNameOf(context, spec));
  await writeDesiredState(folder, { state, by: userInfo().username, at: new Date().toISOString() });
}

/**
 * `stop <statement> --yes`. The wish is written first, so that no deployer starts the statement again; then the job is
 * stopped from here, so that it also works where no deployer runs. One that runs does the same, and the two join.
 */
export async function stopStatement(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { yes: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const spec = statementNamed(positionals[0]);
  const consequence = CONSEQUENCES[spec.name] ?? 'what it computes stands still.';
  if (!values.yes)
    throw new UsageError(
      `While ${spec.name} is stopped, ${consequence}\nSay it again with --yes to stop it.`,
    );
  const jobManager = new JobManagerClient(context.config.FLINK_REST_URL);
  await desire(context, spec, 'stopped');
  process.stdout.write(`${spec.name}: from now on no deployer starts it\n`);
  const job = await liveJob(jobManager, jobNameOf(context, spec));
  if (job === undefined) return done(`${spec.name} does not run, and stays stopped`);
  const version = Number((await jobManager.jobParameters(job.id))[PARAMETERS.stateVersion]);
  const store = new CheckpointStore(
    context.config.FLINK_CHECKPOINT_DIR,
    jobNameOf(context, spec),
    Number.isSafeInteger(version) ? version : spec.stateVersion,
  );
  const stopped = await stopWithSavepoint(jobManager, job.id, store.savepointsUri, {
    onProgress: (what) => process.stdout.write(`${spec.name}: ${what}\n`),
  });
  const state =
    stopped.how === 'savepoint'
      ? `with ${stopped.uri}`
      : `without a savepoint (${stopped.because}); its newest checkpoint is its state`;
  return done(
    `${spec.name} stopped, ${state}\n${consequence}\nIt goes on with: npm run flink -- start ${spec.name}`,
  );
}

/** `start [statement]`: writes the wish and waits until a deployer has fulfilled it. */
export async function startStatements(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  const specs = statementsNamed(positionals[0]);
  const jobManager = new JobManagerClient(context.config.FLINK_REST_URL);
  for (const spec of specs) await desire(context, spec, 'running');
  const deadline = Date.now() + STARTED_WITHIN_MS;
  for (const spec of specs) {
    if (await untilRunning(jobManager, jobNameOf(context, spec), deadline)) {
      process.stdout.write(`${spec.name} runs\n`);
      continue;
    }
    process.stderr.write(
      `${spec.name} does not run yet. Is the process flink-deployer there? "npm run flink -- status" says more.\n`,
    );
    return 1;
  }
  return 0;
}

async function untilRunning(
  jobManager: JobManagerClient,
  jobName: string,
  deadline: number,
): Promise<boolean> {
  for (;;) {
    const job = await liveJob(jobManager, jobName);
    if (job?.state === 'RUNNING' && (await jobManager.job(job.id)).waiting.length === 0) return true;
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
}

function done(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
