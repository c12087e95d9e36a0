import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { Kafka, logLevel } from 'kafkajs';
import { REPO_ROOT } from '../../stack/bootstrap/places.mjs';
import { runMain } from '../support/main-command.js';
import { poll } from '../support/poll.js';
import type { Proof, ProofContext } from './proof.js';

const BUSINESS_TOPICS = ['ad-events', 'campaign-events', 'conversion-events'];
const STATEMENTS = ['conversion-match-24h', 'performance-5m', 'rtb-ranking'];
/** `<what>:<business id>`, or the words of a schedule and when it fired: readable in the Temporal UI. */
const READABLE_WORKFLOW_ID = /^[a-z]+(-[a-z]+)*((:[A-Za-z0-9_-]+)+|-\d{4}-\d\d-\d\dT[\d:]+Z|)$/;

export const proof: Proof = {
  name: 'topology',
  proves: 'three topics, the statements running, readable workflow ids, and layers that keep their arrows',
  params: {},
  run,
};

async function run(context: ProofContext): Promise<void> {
  const seeded = await runMain(context.stack.env, ['seed', '--sellers', '4', '--campaigns-per-seller', '1']);
  context.check('the seed runs', seeded.exitCode === 0, seeded.stderr.slice(0, 500));
  await checkTopics(context);
  await checkStatements(context);
  await checkWorkflows(context);
  await checkLayers(context);
}

async function checkTopics({ stack, check, figure, step }: ProofContext): Promise<void> {
  step('Kafka');
  const kafka = new Kafka({
    brokers: (stack.env.KAFKA_BROKERS ?? '').split(','),
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__')).sort();
    figure('topics', topics.join(', '));
    check('exactly the three business topics', topics.join() === BUSINESS_TOPICS.join());
    const config = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'campaign-events', configNames: ['cleanup.policy'] }],
    });
    const policy = config.resources[0]?.configEntries[0]?.configValue;
    check('campaign-events is compacted', policy === 'compact', String(policy));
  } finally {
    await admin.disconnect();
  }
}

async function checkStatements({ stack, check, figure, step }: ProofContext): Promise<void> {
  step('Flink');
  const response = await fetch(`${stack.env.FLINK_REST_URL}/jobs/overview`);
  const { jobs } = (await response.json()) as { jobs: { name: string; state: string }[] };
  const running = jobs.filter((job) => job.state === 'RUNNING').map((job) => job.name);
  figure('jobs', jobs.map((job) => `${job.name} ${job.state}`).join(', '));
  check('each statement RUNNING exactly once, nothing else', running.sort().join() === STATEMENTS.join());
}

async function checkWorkflows({ stack, check, figure, step }: ProofContext): Promise<void> {
  step('Temporal');
  const connection = await Connection.connect({ address: stack.env.TEMPORAL_ADDRESS ?? '' });
  try {
    const client = new Client({ connection });
    const ids = await poll('workflows are listed', async () => {
      const found: string[] = [];
      for await (const workflow of client.workflow.list()) found.push(workflow.workflowId);
      return found.length > 0 ? found : null;
    });
    const unreadable = ids.filter((id) => !READABLE_WORKFLOW_ID.test(id));
    figure('workflows', `${ids.length}, such as ${ids[0] ?? ''}`);
    check(
      'every workflow id is <what>:<business id>',
      unreadable.length === 0,
      unreadable.slice(0, 3).join(', '),
    );
  } finally {
    await connection.close();
  }
}

async function checkLayers({ check, step }: ProofContext): Promise<void> {
  step('Layers');
  const result = await execa('npm', ['run', '-s', 'check:layers'], { cwd: REPO_ROOT, reject: false });
  check(
    'no dependency against the arrows',
    result.exitCode === 0,
    result.stdout.split('\n').slice(-3).join(' ').trim(),
  );
}
