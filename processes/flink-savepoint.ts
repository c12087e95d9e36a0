import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CheckpointStore } from '../flink/checkpoint-store.js';
import { JobManagerClient } from '../flink/job-manager-client.js';
import { PARAMETERS } from '../flink/statement-job.js';
import type { StatementSpec } from '../flink/statements.js';
import { untilSaved } from '../flink/stop-job.js';
import { statementsNamed } from './flink-statement-names.js';
import type { ProcessContext } from './process.js';

/** `savepoint [statement]`: saves the state of what runs, waits, and says where it is. */
export async function savepoints(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  let failed = 0;
  for (const spec of statementsNamed(positionals[0])) {
    if (!(await savepoint(context, spec))) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

async function savepoint({ config }: ProcessContext, spec: StatementSpec): Promise<boolean> {
  const jobManager = new JobManagerClient(config.FLINK_REST_URL);
  const jobName = `${config.TOPIC_PREFIX}${spec.name}`;
  const job = (await jobManager.jobs()).find(({ name, state }) => name === jobName && state === 'RUNNING');
  if (job === undefined) {
    process.stderr.write(`${spec.name} does not run: its newest state is the one that it stopped with\n`);
    return false;
  }
  const version = Number((await jobManager.jobParameters(job.id))[PARAMETERS.stateVersion]);
  const store = new CheckpointStore(
    config.FLINK_CHECKPOINT_DIR,
    jobName,
    Number.isSafeInteger(version) ? version : spec.stateVersion,
  );
  const trigger = await jobManager.triggerSavepoint(job.id, store.savepointsUri);
  const saved = await untilSaved(jobManager, job.id, trigger, {
    onProgress: (what) => process.stdout.write(`${spec.name}: ${what}\n`),
  });
  if (saved.how === 'checkpoint') {
    process.stderr.write(`${spec.name}: no savepoint: ${saved.because}\n`);
    return false;
  }
  process.stdout.write(`${spec.name}: ${saved.uri}${await sizeText(saved.uri)}\n`);
  return true;
}

/** Empty when the folder cannot be seen from here, as on another machine. */
async function sizeText(uri: string): Promise<string> {
  try {
    const folder = fileURLToPath(uri.startsWith('file:///') ? uri : uri.replace(/^file:\/*/, 'file:///'));
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(folder, file))).size));
    return `, ${sizes.reduce((sum, size) => sum + size, 0).toLocaleString('en')} bytes`;
  } catch {
    return '';
  }
}
