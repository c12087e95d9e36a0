import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { Admin, Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOPICS } from '../../contracts/topics.js';
import { type FlinkDeployer, startDeployer } from '../../flink/deployer.js';
import type { StatementStatus } from '../../flink/deployment.js';
import { writeDesiredState } from '../../flink/desired-state.js';
import { hasEnded, JobManagerClient } from '../../flink/job-manager-client.js';
import type { StatementText } from '../../flink/render-statement.js';
import type { StatementSpec } from '../../flink/statements.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { poll } from '../support/poll.js';

/**
 * A statement of its own, planned in a second: the sum of what it read, times a factor that a deployment changes. With
 * its state kept, only what comes later is multiplied by the new factor; computed from the log, everything is.
 */
const NAME = 'weighted-sum';
const TABLES = [
  `CREATE TABLE amounts (name STRING, amount BIGINT) WITH (
     'connector' = 'kafka', 'topic' = '\${TOPIC_PREFIX}ad-events',
     'properties.bootstrap.servers' = '\${KAFKA_BROKERS}', 'properties.group.id' = '\${TOPIC_PREFIX}\${STATEMENT}',
     'scan.startup.mode' = 'earliest-offset', 'format' = 'json')`,
  `CREATE TABLE sums (name STRING, total STRING, PRIMARY KEY (name) NOT ENFORCED) WITH (
     'connector' = 'redis', 'uri' = '\${REDIS_URL}', 'key.prefix' = '\${TOPIC_PREFIX}sum:', 'value.column' = 'total',
     'flush.interval' = '5 ms', 'ttl' = '15 min')`,
];
const sumOf = (from: string): StatementText => ({
  tables: TABLES,
  parts: [
    `INSERT INTO sums SELECT name, CAST(SUM(amount * \${FACTOR}) AS STRING) FROM ${from} GROUP BY name`,
  ],
});
const PLAIN = sumOf('amounts');
/** Another operator with state between: nothing of the old state fits. */
const OTHER_TOPOLOGY = sumOf('(SELECT DISTINCT name, amount FROM amounts)');
/** The same operators, but the sum is of another type. */
const OTHER_TYPE: StatementText = {
  tables: TABLES,
  parts: [
    `INSERT INTO sums
     SELECT name, CAST(SUM(CAST(amount * \${FACTOR} AS DOUBLE)) AS STRING) FROM amounts GROUP BY name`,
  ],
};
const spec = (factor: number, stateVersion = 1): StatementSpec => ({
  name: NAME,
  tables: [],
  settings: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '100 ms' },
  rules: { FACTOR: String(factor) },
  stateVersion,
});

const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' });
const prefix = `flink-deployer-${randomUUID().slice(0, 8)}-`;
const checkpoints = mkdtempSync(path.join(tmpdir(), 'flink-deployer-'));
const jobName = `${prefix}${NAME}`;
const folder = path.join(checkpoints, jobName);
const shared = loadConfig();
const config: Config = {
  ...shared,
  TOPIC_PREFIX: prefix,
  KAFKA_PARTITIONS: 4,
  FLINK_PARALLELISM: 2,
  FLINK_CHECKPOINT_DIR: checkpoints,
};
const jobManager = new JobManagerClient(config.FLINK_REST_URL);
const SUM_KEY = `${prefix}sum:all`;
const DEADLINE_MS = 60_000;

let redis: Redis;
let admin: Admin;
let producer: Producer;
let deployer: FlinkDeployer | undefined;
const submissions: string[] = [];

function start(statement: StatementSpec, text: StatementText = PLAIN, over: Partial<Config> = {}) {
  return startDeployer(
    { ...config, ...over },
    log,
    { observed: () => undefined, submitted: (_, from) => submissions.push(from) },
    [statement],
    () => text,
  );
}

/** A new program takes the place of the old one, as a roll-out does. */
async function deploy(statement: StatementSpec, text: StatementText = PLAIN, over: Partial<Config> = {}) {
  await deployer?.stop();
  const before = submissions.length;
  deployer = start(statement, text, over);
  const own = deployer;
  await poll(
    'the new text runs',
    async () => submissions.length > before && own.status()[NAME]?.running,
    DEADLINE_MS,
    50,
  );
}

const status = (): StatementStatus | undefined => deployer?.status()[NAME];
const liveJobs = async () =>
  (await jobManager.jobs()).filter((job) => job.name === jobName && !hasEnded(job));
const restoredFrom = async () => (await jobManager.checkpoints((await liveJobs())[0]?.id ?? '')).restoredFrom;
const untilCheckpointed = () =>
  poll(
    'a checkpoint of this job',
    async () => (await jobManager.checkpoints((await liveJobs())[0]?.id ?? '')).completed > 0,
    DEADLINE_MS,
    50,
  );
const untilSum = (expected: string) =>
  poll(`the sum is ${expected}`, async () => (await redis.get(SUM_KEY)) === expected, DEADLINE_MS, 20);

/** Each state that is refused takes seconds: of the earlier ones only the newest savepoint stays. */
async function forgetOldStates(): Promise<void> {
  const states = path.join(folder, 'state-1');
  const savepoints = path.join(states, 'savepoints');
  const newestFirst = readdirSync(savepoints)
    .map((name) => path.join(savepoints, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const running = (await liveJobs()).map((job) => job.id);
  const earlierJobs = readdirSync(states).filter((name) => name !== 'savepoints' && !running.includes(name));
  for (const old of [...newestFirst.slice(1), ...earlierJobs.map((job) => path.join(states, job))])
    rmSync(old, { recursive: true });
}

let sent = 0;
async function send(): Promise<void> {
  sent += 1;
  const value = JSON.stringify({ name: 'all', amount: 1 });
  await producer.send({
    topic: topicName(config, TOPICS.adEvents),
    acks: -1,
    messages: [{ partition: sent % 2, value }],
  });
}

beforeAll(async () => {
  redis = new Redis(config.FLINK_REDIS_URL ?? config.REDIS_URL);
  await createTopics(config, log);
  const kafka = createKafka(config, log);
  admin = kafka.admin();
  await admin.connect();
  producer = await connectProducer(kafka);
});

afterAll(async () => {
  await deployer?.stop();
  for (const job of await liveJobs()) await jobManager.cancel(job.id);
  await poll('our jobs ended', async () => (await liveJobs()).length === 0);
  await admin.deleteTopics({ topics: Object.values(TOPICS).map((topic) => topicName(config, topic)) });
  await Promise.all([producer.disconnect(), admin.disconnect()]);
  await redis.del(SUM_KEY);
  redis.disconnect();
  rmSync(checkpoints, { recursive: true, force: true });
});

describe('a deployment', () => {
  it('of a changed constant stops the job with a savepoint and goes on from its state', async () => {
    await deploy(spec(2));
    expect(submissions).toEqual(['fresh']);
    await send();
    await send();
    await untilSum('4');
    await deploy(spec(10));
    expect(submissions).toEqual(['fresh', 'restored']);
    expect(await restoredFrom()).toContain('/savepoints/savepoint-');
    await send();
    await untilSum('14');
  });

  it('of another parallelism keeps the state as well', async () => {
    await deploy(spec(10), PLAIN, { FLINK_PARALLELISM: 4 });
    expect(await restoredFrom()).toContain('/savepoints/savepoint-');
    await send();
    await send();
    await untilSum('34');
  });

  it('of the same text changes nothing', async () => {
    const before = await liveJobs();
    await deployer?.stop();
    deployer = start(spec(10), PLAIN, { FLINK_PARALLELISM: 4 });
    await poll('it runs', async () => status()?.running, DEADLINE_MS, 50);
    expect((await liveJobs()).map((job) => job.id)).toEqual(before.map((job) => job.id));
  });

  it('outdates a deployer that began earlier: two texts do not take turns', async () => {
    const leftOver = deployer;
    deployer = undefined;
    await deploy(spec(10));
    const jobs = await liveJobs();
    await poll('it stands back', async () => /outdated/.test(leftOver?.status()[NAME]?.detail ?? ''), 5_000);
    expect(await liveJobs()).toMatchObject(jobs.map(({ id }) => ({ id })));
    await leftOver?.stop();
    await send();
    await untilSum('44');
  });
});

describe('a statement that a person stopped', () => {
  it('stays stopped, whoever deploys, and goes on where it was when it is started', async () => {
    const wish = { by: 'kim', at: new Date().toISOString() };
    await writeDesiredState(folder, { state: 'stopped', ...wish });
    await poll('it stopped', async () => /stopped by kim/.test(status()?.detail ?? ''), DEADLINE_MS, 50);
    expect(await liveJobs()).toEqual([]);
    await send();
    await deployer?.stop();
    deployer = start(spec(10));
    await poll('the next deployer sees it', async () => /stopped by kim/.test(status()?.detail ?? ''));
    expect(status()).toMatchObject({ desired: 'stopped', running: false });
    expect(await liveJobs()).toEqual([]);
    await writeDesiredState(folder, { state: 'running', ...wish });
    await poll('it runs', async () => status()?.running, DEADLINE_MS, 50);
    expect(submissions.at(-1)).toBe('restored');
    await untilSum('54');
  });
});

describe('a state that cannot be used', () => {
  it('gives way to the one before it', async () => {
    await untilCheckpointed();
    const [job] = await liveJobs();
    await deployer?.stop();
    await jobManager.cancel(job?.id ?? '');
    await poll('it is gone', async () => (await liveJobs()).length === 0);
    const broken = path.join(folder, 'state-1', job?.id ?? '', 'chk-999999');
    mkdirSync(broken);
    writeFileSync(path.join(broken, '_metadata'), 'not a checkpoint');
    await deploy(spec(10));
    expect(status()?.refusedStates).toBe(1);
    expect(submissions.at(-1)).toBe('restored');
    await send();
    await untilSum('64');
    rmSync(broken, { recursive: true });
  });

  it.each([
    ['of another topology', OTHER_TOPOLOGY],
    ['of another type, which only the running parts notice', OTHER_TYPE],
  ])('%s: with no other left, the statement starts from the log and says so', async (_, text) => {
    await forgetOldStates();
    await deploy(spec(3), text);
    expect(submissions.at(-1)).toBe('fresh');
    // The one that was just saved, and the one before it.
    expect(status()?.refusedStates).toBeGreaterThan(1);
    await untilSum(text === OTHER_TYPE ? `${3 * sent}.0` : '3');
  });

  it('is not even tried when its version was raised, and stays for who goes back', async () => {
    await deploy(spec(7, 2));
    expect(submissions.at(-1)).toBe('fresh');
    expect(status()?.refusedStates).toBe(0);
    await untilSum(String(7 * sent));
    await untilCheckpointed();
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['state-1', 'state-2']));
  });
});
