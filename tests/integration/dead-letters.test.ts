import { randomBytes, randomUUID } from 'node:crypto';
import type { Producer } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { HEADER_DEAD_LETTER_ID, HEADER_TYPE, TOPICS } from '../../contracts/topics.js';
import { type Config, loadConfig } from '../../infra/config.js';
import { connectProducer, createKafka, createTopics, topicName } from '../../infra/kafka.js';
import { createMetrics } from '../../infra/metrics.js';
import { lockWallets } from '../../operations/money-locks.js';
import { listDeadLetters } from '../../operations/read-dead-letters.js';
import { reconcile } from '../../operations/reconcile.js';
import { recordDeadLetter } from '../../operations/record-dead-letter.js';
import { replayDeadLetter } from '../../operations/replay-dead-letters.js';
import { startBalanceWorker } from '../../processes/balance-worker.js';
import { deadLetters } from '../../processes/dead-letters.js';
import type { RunningProcess } from '../../processes/process.js';
import { clickEvent, fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import { type Answer, type IdentityConsole, startIdentityConsole } from './identity-console.js';

/** A real worker on a log of its own, and the console of the same database: what a person does with dead letters. */
const NAMES = { advertiserId: 'adv_own', campaignId: 'cmp_dead' };
const CASH_KRW = 100_000;
const log = pino({ level: 'silent' });

let api: IdentityConsole;
let config: Config;
let producer: Producer;
let worker: RunningProcess;
let admin: string;

beforeAll(async () => {
  process.env.TOPIC_PREFIX = `dead-${randomBytes(4).toString('hex')}-`;
  api = await startIdentityConsole();
  config = { ...loadConfig(), DATABASE_URL: await urlOfDatabase(), KAFKA_PARTITIONS: 3 };
  await createTopics(config, log);
  await fund(api.deps.pool, { ...NAMES, dailyBudgetKrw: 1_000_000, totalBudgetKrw: null }, CASH_KRW);
  admin = await api.signIn('admin');
  producer = await connectProducer(createKafka(config, log));
  worker = await startBalanceWorker(context());
}, 90_000);
afterAll(async () => {
  await worker.stop();
  await producer.disconnect();
  await api.close();
});
/** What one test leaves open, also by failing, would fail those that close the books. */
afterEach(async () => {
  for (const { id } of await unresolved()) {
    await act(`/v1/dead-letters/${id}/resolution`, { note: 'left open by a test' });
  }
});

const context = () => ({ config, log, metrics: createMetrics({ defaultMetrics: false }) });

async function urlOfDatabase(): Promise<string> {
  const { rows } = await api.owner.query<{ name: string }>('SELECT current_database() AS name');
  const url = new URL(loadConfig().DATABASE_URL);
  url.pathname = `/${rows[0]?.name ?? ''}`;
  return url.href;
}

interface Letter {
  readonly id: number;
  readonly partition: number;
  readonly offset: number;
  readonly status: string;
  readonly reason: string;
  readonly failures: number;
  readonly replays: number;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
  readonly value?: string;
  readonly valueBytes?: number;
}

const act = (path: string, body?: unknown) =>
  api.call(path, { token: admin, method: 'POST', ...(body === undefined ? {} : { body }) });
const letterOf = async (id: number) =>
  (await api.call(`/v1/dead-letters/${id}`, { token: admin })).body as unknown as Letter;
const unresolved = async (reason?: string): Promise<Letter[]> => {
  const query = reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`;
  const { body } = await api.call(`/v1/dead-letters${query}`, { token: admin });
  return body.items as Letter[];
};

/** Appends as an ad server does; the place of the record in its topic. */
async function append(value: string, headers: Record<string, string> = {}) {
  const own = { [HEADER_TYPE]: 'AD_CLICKED', 'reply-to': 'ads-gone' };
  const [appended] = await producer.send({
    topic: topicName(config, TOPICS.adEvents),
    acks: -1,
    messages: [{ key: NAMES.advertiserId, value, headers: { ...own, ...headers } }],
  });
  return { partition: Number(appended?.partition), offset: Number(appended?.baseOffset) };
}

async function appendUntilSetAside(value: string, reason: string): Promise<Letter> {
  const { partition, offset } = await append(value);
  const isIt = (letter: Letter) => letter.partition === partition && letter.offset === offset;
  return poll('it is set aside', async () => (await unresolved(reason)).find(isIt), 30_000);
}

const click = (name: string, issuedAtMs = Date.now() - 2_000) =>
  clickEvent({ ...NAMES, name: `${name}-${randomUUID()}`, priceKrw: 700, issuedAtMs });

const cashKrw = async () =>
  (await lockWallets(api.deps.pool, [NAMES.advertiserId])).get(NAMES.advertiserId)?.cashKrw;
const acts = async (id: number): Promise<string[]> => {
  const { body } = await api.call(`/v1/audit-log?objectType=dead_letter&objectId=${id}`, { token: admin });
  return (body.items as { action: string; actorId: string }[]).map(
    (entry) => `${entry.actorId} ${entry.action}`,
  );
};
const replayedUntil = async (id: number, isDone: (letter: Letter) => boolean): Promise<Letter> => {
  expect(await act(`/v1/dead-letters/${id}/replay`)).toMatchObject({ status: 202, body: { id } });
  return poll('the replay was heard of', async () => [await letterOf(id)].find(isDone), 30_000);
};

const TOKEN = `k1.${'a'.repeat(40)}.${'Zq9_'.repeat(10)}`;

test('a record that nobody can read stays one letter, however often it is replayed, until a person resolves it', async () => {
  const letter = await appendUntilSetAside(`{"clickToken":"${TOKEN}`, 'json:');
  expect(letter).toMatchObject({ status: 'waiting', failures: 1, replays: 0 });
  expect(await letterOf(letter.id)).toMatchObject({
    headers: { type: 'AD_CLICKED', 'reply-to': 'ads-gone' },
  });
  expect(JSON.stringify(await letterOf(letter.id))).not.toContain('Zq9_');
  for (const failures of [2, 3]) {
    const again = await replayedUntil(letter.id, (now) => now.failures === failures);
    expect(again).toMatchObject({ status: 'waiting', replays: failures - 1 });
  }
  expect(await unresolved('json:')).toHaveLength(1);
  expect((await reconcile(api.deps.pool)).invariants.find((one) => one.id === 'I4')?.ok).toBe(false);

  const short = await act(`/v1/dead-letters/${letter.id}/resolution`, { note: ' x ' });
  expect([short.status, short.body.code]).toEqual([400, 'invalid_request']);
  const note = 'a probe of the network team, no click';
  const resolved = await act(`/v1/dead-letters/${letter.id}/resolution`, { note });
  expect(resolved.body).toMatchObject({ status: 'resolved', resolvedBy: 'usr_admin', resolution: note });
  for (const path of ['resolution', 'replay']) {
    const late = await act(`/v1/dead-letters/${letter.id}/${path}`, path === 'replay' ? undefined : { note });
    expect([late.status, late.body.code]).toEqual([409, 'wrong_status']);
  }
  expect(await unresolved('json:')).toEqual([]);
  expect(await acts(letter.id)).toEqual([
    'usr_admin dead_letter.resolved',
    'usr_admin dead_letter.replayed',
    'usr_admin dead_letter.replayed',
  ]);
});

test('a version that this build does not know waits with its reason; what is refused by PostgreSQL, too', async () => {
  const future = { ...click('future'), schemaVersion: 2, clickToken: TOKEN };
  const unknown = await appendUntilSetAside(JSON.stringify(future), 'schemaVersion');
  const shown = await letterOf(unknown.id);
  expect(shown.value).toContain(future.deviceHash);
  expect(shown.value).not.toContain('Zq9_');

  const poison = { ...click('poison'), slot: 3_000_000_000 };
  const beside = click('beside');
  await append(JSON.stringify(beside));
  const refused = await appendUntilSetAside(JSON.stringify(poison), 'database:');
  const again = await replayedUntil(refused.id, (now) => now.failures === 2);
  expect(again).toMatchObject({ status: 'waiting', replays: 1 });
  await poll('its neighbour is charged', async () => (await cashKrw()) === CASH_KRW - 700, 30_000);
});

test('a click whose month has no partition is charged once it has one, once, though it is replayed twice at a time', async () => {
  const before = await cashKrw();
  const lost = click('lost', Date.UTC(2024, 2, 15));
  const letter = await appendUntilSetAside(JSON.stringify(lost), 'no partition');
  expect(await replayedUntil(letter.id, (now) => now.failures === 2)).toMatchObject({ status: 'waiting' });

  await api.owner.query(`SELECT ensure_partitions('2024-03-01', '2024-03-01')`);
  const twice: Answer[] = await Promise.all([1, 2].map(() => act(`/v1/dead-letters/${letter.id}/replay`)));
  expect(twice.map((answer) => answer.status).filter((status) => status !== 202 && status !== 409)).toEqual(
    [],
  );
  const taken = await poll(
    'it is resolved',
    async () => [await letterOf(letter.id)].find((now) => now.status === 'resolved'),
    30_000,
  );
  expect(taken).toMatchObject({ resolvedBy: 'balance-worker', resolution: `click ${lost.clickId}: charged` });
  expect(taken.replays).toBeGreaterThanOrEqual(2);

  const last = click('after');
  await append(JSON.stringify(last));
  await poll(
    'everything before the last click was taken',
    async () => {
      const { rowCount } = await api.owner.query('SELECT FROM click_charge WHERE click_id = $1', [
        last.clickId,
      ]);
      return rowCount === 1;
    },
    30_000,
  );
  expect(await cashKrw()).toBe((before ?? 0) - 700 - 700);
  const { invariants } = await reconcile(api.deps.pool);
  expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
});

test('a record that names the letter of another one is set aside by itself, and ends none', async () => {
  const letter = await appendUntilSetAside('"the first"', 'schema:');
  const header = { [HEADER_DEAD_LETTER_ID]: String(letter.id) };
  const good = click('good');
  await append(JSON.stringify(good), header);
  await append('"another one"', header);
  const letters = await poll(
    'both are set aside',
    async () => [await unresolved('schema:')].find((rows) => rows.length === 2),
    30_000,
  );
  expect(letters).toMatchObject([
    { id: letter.id, failures: 1, status: 'waiting' },
    { failures: 1, status: 'waiting' },
  ]);
  // Charged beside what is set aside, not before it.
  await poll('the click between them is charged', async () => {
    const charged = await api.owner.query('SELECT FROM click_charge WHERE click_id = $1', [good.clickId]);
    return charged.rowCount === 1;
  });
});

test('a replay that fails at two places counts each once, in whatever order they are delivered again', async () => {
  const { pool } = api.deps;
  const letter = { topic: 'ad-events', partition: 0, key: null, headers: {}, value: Buffer.from('x') };
  await recordDeadLetter(pool, { ...letter, offset: '1000', reason: 'the first time' });
  const { rows } = await api.owner.query<{ id: string }>(
    `SELECT id FROM dead_letter WHERE reason = 'the first time'`,
  );
  const id = Number(rows[0]?.id);
  for (const offset of ['1001', '1002', '1001', '1002']) {
    await recordDeadLetter(pool, { ...letter, offset, reason: 'again', replayOf: String(id) });
  }
  expect(await letterOf(id)).toMatchObject({ failures: 3, reason: 'again' });
});

test('the answer to a replay says where the letter stands by then, whoever was faster; a log that is away is told with its cause', async () => {
  const { pool } = api.deps;
  const record = { partition: 0, key: null, headers: {}, value: Buffer.from('y') };
  const letter = { ...record, topic: topicName(config, TOPICS.adEvents), reason: 'who is faster' };
  await recordDeadLetter(pool, { ...letter, offset: '1000' });
  const id = (await unresolved('who is faster'))[0]?.id ?? 0;
  const warn = vi.fn();
  const replay = (append: () => Promise<void>) =>
    replayDeadLetter(
      { pool, topics: [letter.topic], append, log: { warn } },
      { id, actorId: 'usr_admin', actorRole: 'admin', via: 'console' },
    );

  expect(await replay(async () => undefined)).toMatchObject({ ok: true, value: { failures: 1, replays: 1 } });
  expect(await letterOf(id)).toMatchObject({ status: 'replayed' });
  const failsAtOnce = () => recordDeadLetter(pool, { ...letter, offset: '1001', replayOf: String(id) });
  expect(await replay(failsAtOnce)).toMatchObject({ ok: true, value: { failures: 2, replays: 2 } });
  expect(warn).not.toHaveBeenCalled();

  const cause = new Error('no broker answers');
  expect(await replay(() => Promise.reject(cause))).toMatchObject({ error: { code: 'event_log_down' } });
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ err: cause, deadLetterId: id }),
    expect.any(String),
  );
  expect(await letterOf(id)).toMatchObject({ status: 'replayed', failures: 2, replays: 3 });
});

test('a letter keeps its bytes when a newer worker reads them and fails for another reason', async () => {
  const written = `{ "spaces": 1, ${JSON.stringify(click('bytes', Date.UTC(2024, 4, 15))).slice(1)}`;
  const letter = await appendUntilSetAside(written, 'no partition');
  expect(await letterOf(letter.id)).toMatchObject({ valueBytes: Buffer.byteLength(written) });
  await replayedUntil(letter.id, (now) => now.failures === 2);
  expect(await unresolved('no partition')).toHaveLength(1);
});

test('the command lists, replays by reason and resolves; its exit code says whether anything is left', async () => {
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const complained = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const run = (...args: string[]) => deadLetters(context(), args);
  const output = () => printed.mock.calls.map(([text]) => String(text)).join('');
  try {
    const letter = await appendUntilSetAside('[]', 'schema:');
    expect(await run('list')).toBe(0);
    expect(output()).toContain(`${letter.id}  waiting`);
    expect(await run('replay', '--reason', 'schema:')).toBe(1);
    expect(output()).toContain('1 of 1 replayed, 0 resolved');
    expect(await letterOf(letter.id)).toMatchObject({ failures: 2, replays: 1 });
    expect(await run('show', String(letter.id))).toBe(0);
    const hostile = await appendUntilSetAside('\u001b[2J', 'json:');
    expect(await run('show', String(hostile.id))).toBe(0);
    expect(output()).toContain('\\u{1b}[2J');
    expect(output()).not.toContain('\u001b');
    await act(`/v1/dead-letters/${hostile.id}/resolution`, { note: 'made by a test' });
    expect(await run('resolve', String(letter.id), '--note', 'no click', '--by', 'usr_admin')).toBe(0);
    expect(await run('replay', '--all')).toBe(0);
    expect(await acts(letter.id)).toEqual(['usr_admin dead_letter.resolved', 'cli dead_letter.replayed']);
    for (const wrong of [
      [],
      ['nothing'],
      ['show'],
      ['show', 'x'],
      ['replay'],
      ['replay', '1', '--all'],
      ['resolve', '1'],
    ]) {
      expect(await run(...wrong)).toBe(2);
    }
    expect(await run('show', '999999')).toBe(1);
  } finally {
    printed.mockRestore();
    complained.mockRestore();
  }
});

test('a letter of another installation is not appended here, and unknown ids answer 404', async () => {
  const { rows } = await api.owner.query<{ id: string }>(
    `INSERT INTO dead_letter (topic, partition, "offset", headers, reason) VALUES ('elsewhere-ad-events', 0, 1, '{}', 'moved') RETURNING id`,
  );
  const foreign = await act(`/v1/dead-letters/${rows[0]?.id}/replay`);
  expect([foreign.status, foreign.body.code, typeof foreign.body.nextStep]).toEqual([
    422,
    'unknown_topic',
    'string',
  ]);
  for (const path of ['/v1/dead-letters/999999/replay', '/v1/dead-letters/abc/replay']) {
    expect((await act(path)).status).toBe(path.includes('abc') ? 400 : 404);
  }
});

test('a letter of the match is told to be resolved, not replayed, and a replay of all leaves it out', async () => {
  const unresolvedClicks = async () => {
    const { invariants } = await reconcile(api.deps.pool);
    return invariants.find((one) => one.id === 'I4')?.figures.wrongDeadLetters;
  };
  const before = await unresolvedClicks();
  const { rows } = await api.owner.query<{ id: number }>(
    `INSERT INTO dead_letter (topic, partition, "offset", headers, reason)
     VALUES ('conversion-events', 0, 1, '{}', 'late: its topic was further') RETURNING id`,
  );
  const [letter] = rows;
  const replayed = await act(`/v1/dead-letters/${letter?.id}/replay`);
  expect([replayed.status, replayed.body.code, typeof replayed.body.nextStep]).toEqual([
    422,
    'not_replayable',
    'string',
  ]);
  expect(await unresolvedClicks()).toBe(before);
  const all = { status: 'unresolved', afterId: null, limit: 1_000 } as const;
  const idsOf = async (filter: Parameters<typeof listDeadLetters>[1]) =>
    (await listDeadLetters(api.owner, filter)).map((row) => row.id);
  expect(await idsOf(all)).toContain(letter?.id);
  expect(await idsOf({ ...all, replayableOnly: true })).not.toContain(letter?.id);
  const resolved = await act(`/v1/dead-letters/${letter?.id}/resolution`, { note: 'the shop sent it again' });
  expect(resolved.status).toBe(200);
});

test('a resolved letter is never open again, and its record never changes', async () => {
  const { owner } = api;
  const { rows } = await owner.query<{ id: string }>(
    'SELECT id FROM dead_letter WHERE resolved_at IS NOT NULL LIMIT 1',
  );
  for (const damage of [
    'resolved_at = NULL, resolution = NULL',
    "value = 'x'",
    "key = 'x'",
    '"offset" = 7',
  ]) {
    await expect(
      owner.query(`UPDATE dead_letter SET ${damage} WHERE id = $1`, [rows[0]?.id]),
    ).rejects.toMatchObject({
      code: '23001',
    });
  }
});
