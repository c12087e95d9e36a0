import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { SqlGatewayClient, type SqlSession } from '../../flink/gateway-client.js';
import { hasEnded, JobManagerClient } from '../../flink/job-manager-client.js';
import { connectionVariables } from '../../flink/statements.js';
import { loadConfig } from '../../infra/config.js';
import { type CutLine, cuttableLine } from '../support/cuttable-line.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { poll } from '../support/poll.js';

/** The sink by itself, on a table and a source of its own: order, bounds, names, and what it does not accept. */

const JOB_DEADLINE_MS = 60_000;
const BOUND = 1_000;
const KEYS = 5_000;
const ROWS = 20_000;

const shared = loadConfig();
const gateway = new SqlGatewayClient(shared.FLINK_SQL_GATEWAY_URL);
const jobManager = new JobManagerClient(shared.FLINK_REST_URL);
const jobName = `postgres-sink-${randomUUID().slice(0, 8)}`;

let db: TestDatabase;
let line: CutLine;
let session: SqlSession;
let connection: Readonly<Record<string, string>>;

beforeAll(async () => {
  db = await createTestDatabase();
  line = await cuttableLine();
  const real = new URL(shared.FLINK_DATABASE_URL);
  line.connectTo({ host: real.hostname, port: Number(real.port) });
  const through = new URL(real);
  through.host = `127.0.0.1:${line.port}`;
  through.pathname = new URL(db.appUrl).pathname;
  connection = connectionVariables({ ...shared, FLINK_DATABASE_URL: through.href }, jobName);
  session = await gateway.openSession({
    'pipeline.name': jobName,
    'restart-strategy.type': 'none',
    'execution.checkpointing.interval': '500 ms',
  });
  await session.execute(
    `CREATE TEMPORARY TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '${ROWS}',
       'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '${ROWS}')`,
  );
}, 120_000);

afterAll(async () => {
  await session.close();
  const ours = async () => (await jobManager.jobs()).filter((job) => job.name === jobName && !hasEnded(job));
  for (const job of await ours()) await jobManager.cancel(job.id);
  await poll('our jobs ended', async () => (await ours()).length === 0);
  await line.cut();
  await db.drop();
});

/** Names that would break a statement that does not quote them. */
beforeEach(async () => {
  await db.ownerPool.query(`
    DROP TABLE IF EXISTS "sink probe";
    CREATE TABLE "sink probe" ("order" bigint PRIMARY KEY, "a ""name""" text, flag boolean NOT NULL, n integer NOT NULL);
    GRANT SELECT, INSERT, UPDATE ON "sink probe" TO ads_flink`);
});

const COLUMNS = '`order` BIGINT, `a "name"` STRING, flag BOOLEAN, n INT, PRIMARY KEY (`order`) NOT ENFORCED';

async function createSink(name: string, columns = COLUMNS, more: Readonly<Record<string, string>> = {}) {
  const options = {
    connector: 'postgres',
    url: connection.DATABASE_URL,
    username: connection.DATABASE_USER,
    password: connection.DATABASE_PASSWORD,
    'table-name': 'sink probe',
    ...more,
  };
  const list = Object.entries(options).map(([option, value]) => `'${option}' = '${value}'`);
  await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${name}`);
  await session.execute(`CREATE TEMPORARY TABLE ${name} (${columns}) WITH (${list.join(', ')})`);
}

async function start(insert: string): Promise<string> {
  const { jobId } = await session.execute(insert);
  if (jobId === undefined) throw new Error('no job');
  return jobId;
}

const stateOf = async (id: string) => (await jobManager.job(id)).state;
const untilState = (id: string, state: string) =>
  poll(`the job is ${state}`, async () => (await stateOf(id)) === state, JOB_DEADLINE_MS, 100);

const probe = async () =>
  (
    await db.ownerPool.query<{ rows: number; lowest: number; highest: number; nulls: number; flags: number }>(
      `SELECT count(*)::int AS rows, min(n) AS lowest, max(n) AS highest,
              count(*) FILTER (WHERE "a ""name""" IS NULL)::int AS nulls, count(*) FILTER (WHERE flag)::int AS flags
       FROM "sink probe"`,
    )
  ).rows[0];

it('waits at its bound while PostgreSQL is away, and then the last row of each key is there', async () => {
  await createSink('bounded', COLUMNS, {
    'buffer.max-rows': String(BOUND),
    'flush.max-rows': '300',
    'upsert.condition': 'stored.n <= excluded.n',
  });
  await line.cut();
  const job = await start(
    `INSERT INTO bounded SELECT MOD(id, ${KEYS}), IF(MOD(id, 2) = 0, 'even ' || CAST(id AS STRING), CAST(NULL AS STRING)),
       MOD(id, 2) = 0, CAST(id AS INT) FROM numbers`,
  );
  const waiting = async () => (await jobManager.operatorSums(job, ['waitingRows'])).waitingRows;
  await poll('the book is full', async () => (await waiting()) === BOUND, JOB_DEADLINE_MS, 200);
  expect(await stateOf(job)).toBe('RUNNING');
  await line.mend();
  await untilState(job, 'FINISHED');
  expect(await probe()).toEqual({
    rows: KEYS,
    lowest: ROWS - KEYS + 1,
    highest: ROWS,
    nulls: KEYS / 2,
    flags: KEYS / 2,
  });
}, 120_000);

it('a row that stands never changes when the condition says so', async () => {
  await db.ownerPool.query(`INSERT INTO "sink probe" VALUES (1, 'first', true, 7)`);
  await createSink('first_stands', COLUMNS, { 'upsert.condition': 'false' });
  const job = await start(
    `INSERT INTO first_stands VALUES (CAST(1 AS BIGINT), 'second', FALSE, 8), (CAST(2 AS BIGINT), 'new', FALSE, 9)`,
  );
  await untilState(job, 'FINISHED');
  const { rows } = await db.ownerPool.query('SELECT n FROM "sink probe" ORDER BY "order"');
  expect(rows).toEqual([{ n: 7 }, { n: 9 }]);
}, 60_000);

it('input that ends with a refused row fails, after all others were written', async () => {
  await createSink('with_refused');
  const job = await start(
    `INSERT INTO with_refused SELECT id, 'x', CASE WHEN id = 777 THEN CAST(NULL AS BOOLEAN) ELSE TRUE END, 1
     FROM numbers WHERE id <= 2000`,
  );
  await untilState(job, 'FAILED');
  expect(await jobManager.lastFailure(job)).toContain('postgres refused 1 rows');
  expect((await probe())?.rows).toBe(1_999);
}, 90_000);

const SELECT_ALL = "SELECT id, 'x', TRUE, 1 FROM numbers";
const DELETES = `SELECT id, 'x', TRUE, 1 FROM (
  SELECT id, ROW_NUMBER() OVER (PARTITION BY MOD(id, 2) ORDER BY id DESC) AS place FROM numbers) WHERE place <= 2`;

it.each([
  ['no primary key', '`order` BIGINT, a STRING, flag BOOLEAN, n INT', {}, SELECT_ALL, 'PRIMARY KEY'],
  [
    'a time',
    '`order` BIGINT PRIMARY KEY NOT ENFORCED, happened_at TIMESTAMP_LTZ(3)',
    {},
    'SELECT id, CURRENT_TIMESTAMP FROM numbers',
    'epoch milliseconds',
  ],
  ['another database', COLUMNS, { url: 'jdbc:mysql://x/y' }, SELECT_ALL, 'jdbc:postgresql:'],
  [
    'a password in the address',
    COLUMNS,
    { url: 'jdbc:postgresql://x/y?password=secret-of-mine' },
    SELECT_ALL,
    'options of their own',
  ],
  ['a book smaller than a flush', COLUMNS, { 'buffer.max-rows': '10' }, SELECT_ALL, 'buffer.max-rows'],
  ['an unknown option', COLUMNS, { 'flush.rows': '1' }, SELECT_ALL, 'flush.rows'],
  ['rows that are deleted', COLUMNS, {}, DELETES, 'delete changes'],
])('refuses %s before anything runs, and tells no password', async (_, columns, more, select, told) => {
  await createSink('wrong', columns, more);
  const error = await session.execute(`EXPLAIN INSERT INTO wrong ${select}`).then(
    () => 'was accepted',
    (problem: unknown) => String(problem),
  );
  expect(error).toContain(told);
  expect(error).not.toContain(connection.DATABASE_PASSWORD);
});
