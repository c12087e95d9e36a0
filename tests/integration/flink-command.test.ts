import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { type FlinkDeployer, startDeployer } from '../../flink/deployer.js';
import { hasEnded, JobManagerClient } from '../../flink/job-manager-client.js';
import { STATEMENTS } from '../../flink/statements.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createMetrics } from '../../infra/metrics.js';
import { flinkCommand } from '../../processes/flink-command.js';
import { poll } from '../support/poll.js';
import { printedBy } from '../support/printed-by.js';

/** `npm run flink -- …` over a deployer that runs one statement of the three. */

const NAME = 'performance-5m';
const DEADLINE_MS = 60_000;
const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-command-'));
const config: Config = {
  ...loadConfig(),
  TOPIC_PREFIX: `flink-command-${randomUUID().slice(0, 8)}-`,
  FLINK_CHECKPOINT_DIR: checkpoints,
};
const jobManager = new JobManagerClient(config.FLINK_REST_URL);
let deployer: FlinkDeployer;

const run = (args: readonly string[], over: Partial<Config> = {}) =>
  printedBy(() =>
    flinkCommand(
      { config: { ...config, ...over }, log, metrics: createMetrics({ defaultMetrics: false }) },
      args,
    ),
  );
const liveJobs = async () =>
  (await jobManager.jobs()).filter((job) => job.name === `${config.TOPIC_PREFIX}${NAME}` && !hasEnded(job));
/** The part of `status` that speaks of the statement. */
const shown = (text: string) => text.split('\n\n').find((part) => part.includes(NAME)) ?? '';

beforeAll(async () => {
  await createTopics(config, log);
  const statements = STATEMENTS.filter((spec) => spec.name === NAME);
  deployer = startDeployer(
    config,
    log,
    { observed: () => undefined, submitted: () => undefined },
    statements,
  );
  await poll('it runs', async () => deployer.status()[NAME]?.running, DEADLINE_MS, 50);
});

afterAll(async () => {
  await deployer.stop();
  for (const job of await liveJobs()) await jobManager.cancel(job.id);
  await poll('our job ended', async () => (await liveJobs()).length === 0);
  const admin = createKafka(config, log).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: Object.values(TOPICS).map((topic) => topicName(config, topic)) });
  await admin.disconnect();
  rmSync(checkpoints, { recursive: true, force: true });
});

test('status says of each statement what is desired and what runs, and ends with 0 when all is as desired', async () => {
  const before = await run(['status']);
  expect(before.code).toBe(1);
  expect(before.text).toContain('NOT OK rtb-ranking: no job; desired: running');
  expect(shown(before.text)).toMatch(/^ok {5}performance-5m: RUNNING; desired: running\n/);
  expect(shown(before.text)).not.toContain('ANOTHER TEXT');

  for (const other of STATEMENTS.filter((spec) => spec.name !== NAME)) {
    const stopped = await run(['stop', other.name, '--yes']);
    expect(stopped).toMatchObject({
      code: 0,
      text: expect.stringContaining('does not run, and stays stopped'),
    });
  }
  const [job] = await liveJobs();
  // Flink tells it some seconds after the job began.
  await poll('restarts are told', async () => (await jobManager.restarts(job?.id ?? '')) !== undefined);
  const { code, text } = await run(['status', '--json']);
  expect(code).toBe(0);
  const by = userInfo().username;
  expect(JSON.parse(text).statements).toMatchObject([
    { statement: 'rtb-ranking', desired: 'stopped', desiredBy: by, asDesired: true, job: null },
    { statement: 'conversion-match-24h', desired: 'stopped', desiredBy: by, asDesired: true, job: null },
    {
      statement: NAME,
      desired: 'running',
      asDesired: true,
      job: { id: job?.id, thisText: true, refusedRows: 0 },
    },
  ]);
});

test('explain tells what a deployment would do, and shows the text without passwords', async () => {
  const same = await run(['explain', NAME]);
  expect(same).toMatchObject({ code: 0, text: expect.stringContaining('unchanged. The running job stays.') });
  expect(same.text).toMatch(/Sink\(table=\[default_catalog\.default_database\.performance_5m\]/);
  const slower = await run(['explain', NAME], { FLINK_PARALLELISM: 2 });
  expect(slower.text).toContain('state kept. The running job stops with a savepoint');
  const text = await run(['explain', NAME, '--text']);
  expect(text).toMatchObject({ code: 0, text: expect.stringContaining("'password' = '***'") });
  expect(text.text).not.toContain(new URL(config.FLINK_DATABASE_URL).password);
  expect((await liveJobs()).length).toBe(1);
});

test('a stop is confirmed, saves the state, and holds against the deployer until a start', async () => {
  const [before] = await liveJobs();
  const unsure = await run(['stop', NAME]);
  expect(unsure).toMatchObject({ code: 2, text: expect.stringContaining('Say it again with --yes') });
  expect(await liveJobs()).toMatchObject([{ id: before?.id }]);

  const saved = await run(['savepoint', NAME]);
  expect(saved).toMatchObject({ code: 0, text: expect.stringMatching(/savepoint-\S+, [\d,]+ bytes\n$/) });
  expect(existsSync(pathIn(saved.text))).toBe(true);
  expect(await liveJobs()).toMatchObject([{ id: before?.id }]);

  const stopped = await run(['stop', NAME, '--yes']);
  expect(stopped).toMatchObject({ code: 0, text: expect.stringContaining('It goes on with: npm run flink') });
  expect(stopped.text).toMatch(/^performance-5m: from now on no deployer starts it\n/);
  const kept = pathIn(stopped.text);
  expect(kept).not.toBe(pathIn(saved.text));
  await poll('the deployer sees it', async () => /stopped by/.test(deployer.status()[NAME]?.detail ?? ''));
  expect(await liveJobs()).toEqual([]);
  expect(await run(['status'])).toMatchObject({ code: 0 });
  expect(await run(['savepoint', NAME])).toMatchObject({
    code: 1,
    text: expect.stringContaining('does not run'),
  });
  expect((await run(['explain', NAME])).text).toContain(`nothing runs; it would start from file://${kept}`);

  expect(await run(['start', NAME])).toMatchObject({ code: 0, text: `${NAME} runs\n` });
  const [after] = await liveJobs();
  expect((await jobManager.checkpoints(after?.id ?? '')).restoredFrom).toBe(`file://${kept}`);
});

test.each([
  [2, 'unknown command', ['stats']],
  [2, 'which statement? One of: rtb-ranking', ['stop']],
  [2, 'unknown statement: performance. One of', ['start', 'performance']],
  [2, "Unknown option '--jsn'", ['status', '--jsn']],
  [0, 'npm run flink -- <command>', []],
] as const)('ends with %i and says "%s": %j', async (code, says, args) => {
  expect(await run(args)).toMatchObject({ code, text: expect.stringContaining(says) });
});

test('a Flink that does not answer is named with its address', async () => {
  const away = { FLINK_REST_URL: 'http://127.0.0.1:1' };
  for (const args of [['status'], ['savepoint'], ['explain', NAME]])
    expect(await run(args, away)).toMatchObject({
      code: 1,
      text: expect.stringContaining('http://127.0.0.1:1'),
    });
});

/** The folder of a savepoint that a command named. */
const pathIn = (text: string) =>
  fileURLToPath(`file:///${/file:\/+(\S*savepoint-[\w-]+)/.exec(text)?.[1] ?? ''}`);
