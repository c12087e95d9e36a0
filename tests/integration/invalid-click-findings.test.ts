import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  INVALID_CLICK_REVERSAL,
  type InvalidClickReversalState,
  invalidClickReversalId,
} from '../../contracts/temporal/invalid-click-finding.js';
import { addDays, businessDateOf, startOfBusinessDate } from '../../domain/business-date.js';
import { topUpReversalLines } from '../../domain/ledger.js';
import { toKrw } from '../../domain/money.js';
import { firstDayAfter, monthOf } from '../../domain/tax-month.js';
import { keyedHash } from '../../infra/ids.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { grantPromo } from '../../operations/grant-promo.js';
import { lockBudgets, lockWallets } from '../../operations/money-locks.js';
import { postOnce } from '../../operations/post-once.js';
import { readReceivable } from '../../operations/receivables.js';
import { reconcile } from '../../operations/reconcile.js';
import { type ClickWish, clickEvent, deliver, fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import type { Answer } from './identity-console.js';
import { businessNow, campaignOf, type SettlementWorld, startSettlementWorld } from './settlement-world.js';

/** Late findings on a real console, Temporal, worker and database: what is found, confirmed and taken back once. */
let world: SettlementWorld;
let worker: { stop(): Promise<void> };
let admin: string;

beforeAll(async () => {
  world = await startSettlementWorld();
  worker = world.startWorker();
  admin = await world.api.signIn('admin');
}, 90_000);
afterAll(async () => {
  await worker.stop();
  await world.close();
});

const MINUTE = 60_000;
const FINDINGS = '/v1/invalid-click-findings';
const pool = () => world.api.deps.pool;
const walletOf = async (id: string) => (await lockWallets(pool(), [id])).get(id);
const budgetOf = async (id: string) => (await lockBudgets(pool(), [id])).get(id);
const post = (path: string, body?: unknown, key: string = randomUUID(), token = admin): Promise<Answer> =>
  world.api.call(path, {
    method: 'POST',
    token,
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });
const read = async (id: string) => (await world.api.call(`${FINDINGS}/${id}`, { token: admin })).body;
const iso = (ms: number) => new Date(ms).toISOString();
const NOTE = 'found by the traffic review of this morning';

/** Charged clicks at their own times (`agoMs` before now), in the order given; their ids. */
async function charge(
  ...wishes: (Omit<ClickWish, 'campaignId' | 'issuedAtMs'> & { agoMs: number; campaignId?: string })[]
): Promise<string[]> {
  const now = await businessNow(world.api);
  const events = wishes.map(({ agoMs, ...wish }) =>
    clickEvent({ campaignId: campaignOf(wish.advertiserId), ...wish, issuedAtMs: now - agoMs }),
  );
  const { clicks } = await chargeClicks(pool(), events.map(deliver), { bidFloorKrw: 50 });
  expect(clicks.map((click) => click.outcome)).toEqual(events.map(() => 'charged'));
  return events.map((event) => event.clickId);
}

async function make(body: Record<string, unknown>): Promise<string> {
  const made = await post(FINDINGS, { note: NOTE, ...body });
  expect([made.status, made.body.status, made.body.reversedClicks]).toEqual([201, 'waiting', 0]);
  return String(made.body.findingId);
}

const ended = (id: string) =>
  poll(
    'the finding is completed',
    async () => [await read(id)].find((now) => now.status === 'completed'),
    60_000,
    100,
  );

async function takeBack(body: Record<string, unknown>): Promise<Answer['body']> {
  const id = await make(body);
  const confirmed = await post(`${FINDINGS}/${id}/confirmation`);
  expect([confirmed.status, confirmed.body.decidedBy]).toEqual([202, 'usr_admin']);
  return ended(id);
}

async function expectBooksInOrder(): Promise<void> {
  const { invariants } = await reconcile(pool());
  expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
}

const stateOf = (id: string) =>
  world.api.deps.temporal.client.workflow
    .getHandle(invalidClickReversalId(id))
    .query<InvalidClickReversalState>(INVALID_CLICK_REVERSAL.state);

const notices = async (template: string) =>
  (
    await world.api.owner.query<{ who: string; variables: Record<string, string> }>(
      'SELECT coalesce(advertiser_id, role) AS who, variables FROM notification WHERE template = $1 ORDER BY 1',
      [template],
    )
  ).rows;

test('a burst of a device over several campaigns: only clicks beyond the limit of their hour, shown before anything moves', async () => {
  const a = await world.company('burst_a', '110810101', 100_000);
  const b = await world.company('burst_b', '110810102', 100_000);
  const at = (minutes: number) => (240 - minutes) * MINUTE;
  const by = (advertiserId: string, minutes: number, deviceHash = 'dev_burst') => ({
    name: `${deviceHash}-${minutes}`,
    advertiserId,
    priceKrw: 100 + minutes,
    deviceHash,
    agoMs: at(minutes),
  });
  // Minute 0 is exactly an hour before minute 60: it is no part of that hour.
  const ids = await charge(
    by(a, 0),
    by(b, 56),
    by(a, 57),
    by(b, 58),
    by(a, 59),
    by(b, 60),
    by(a, 61),
    by(b, 62),
  );
  await charge(...[1, 2, 3, 4, 5].map((minute) => by(a, minute, 'dev_quiet')));
  const now = await businessNow(world.api);
  const body = {
    rule: 'device_burst_late',
    from: iso(now - 5 * 60 * MINUTE),
    to: iso(now),
    clicksPerHour: 5,
    note: NOTE,
  };

  const preview = await post(FINDINGS, { ...body, dryRun: true });
  expect(preview.status).toBe(200);
  expect(preview.body).toMatchObject({
    clicks: 2,
    advertisers: 2,
    cashKrw: 161 + 162,
    totalKrw: 323,
    promoKrw: 0,
  });
  expect([...(preview.body.sampleClickIds as string[])].sort()).toEqual([ids[6], ids[7]].sort());
  expect((await world.api.owner.query('SELECT FROM invalid_click_finding')).rowCount).toBe(0);

  const key = randomUUID();
  const made = await post(FINDINGS, body, key);
  const again = await post(FINDINGS, body, key);
  expect([made.status, again.status, again.body.findingId]).toEqual([201, 201, made.body.findingId]);
  expect((await post(FINDINGS, { ...body, note: 'something else' }, key)).body.code).toBe(
    'idempotency_key_reused',
  );
  const id = String(made.body.findingId);
  expect(await walletOf(a)).toMatchObject({ cashKrw: 100_000 - (100 + 157 + 159 + 161) - (505 + 10) });

  const confirmKey = randomUUID();
  const [first, second] = [
    await post(`${FINDINGS}/${id}/confirmation`, undefined, confirmKey),
    await post(`${FINDINGS}/${id}/confirmation`, undefined, confirmKey),
  ];
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(await ended(id)).toMatchObject({
    reversedClicks: 2,
    reversedCashKrw: 323,
    alreadyReversedClicks: 0,
    needsCorrection: [],
  });
  expect(await walletOf(a)).toMatchObject({ cashKrw: 100_000 - (100 + 157 + 159) - (505 + 10) });
  expect(await walletOf(b)).toMatchObject({ cashKrw: 100_000 - (156 + 158 + 160) });
  expect(
    (await notices('invalid_clicks_reversed')).map((notice) => [
      notice.who,
      notice.variables.clicks,
      notice.variables.amount,
    ]),
  ).toEqual([
    [a, '1', '161'],
    [b, '1', '162'],
  ]);
  expect((await post(FINDINGS, { ...body, dryRun: true })).body.code).toBe('nothing_found');
  expect((await post(`${FINDINGS}/${id}/withdrawal`)).body.code).toBe('already_decided');
  const audit = await world.api.call(`/v1/audit-log?objectType=invalid_click_finding&objectId=${id}`, {
    token: admin,
  });
  expect((audit.body.items as { action: string }[]).map((entry) => entry.action)).toEqual([
    'invalid_click_finding.confirmed',
    'invalid_click_finding.made',
  ]);
  await expectBooksInOrder();
}, 90_000);

test('the same split comes back, with both budgets, and what it had stopped is served again', async () => {
  const advertiserId = await world.company('split', '110810103', 1_000);
  const campaignId = 'cmp_split_small';
  await fund(pool(), { advertiserId, campaignId, dailyBudgetKrw: 600, totalBudgetKrw: 900 }, 0);
  await grantPromo(pool(), {
    idempotencyKey: 'promo:split',
    advertiserId,
    amountKrw: 200,
    expiresAt: (await businessNow(world.api)) + 3_600_000,
  });
  const [clickId] = await charge({ name: 'split', advertiserId, campaignId, priceKrw: 600, agoMs: 2_000 });
  const stop = async () =>
    (
      await world.api.owner.query<{ reason: string }>('SELECT reason FROM serving_stop WHERE id = $1', [
        campaignId,
      ])
    ).rows;
  expect(await stop()).toEqual([{ reason: 'daily_budget_exhausted' }]);
  expect(await takeBack({ rule: 'manual', clickIds: [clickId] })).toMatchObject({
    reversedCashKrw: 400,
    reversedPromoKrw: 200,
  });
  expect(await walletOf(advertiserId)).toMatchObject({ cashKrw: 1_000, promoKrw: 200 });
  expect(await budgetOf(campaignId)).toMatchObject({ totalSpentKrw: 0, spentTodayKrw: 0 });
  expect(await stop()).toEqual([{ reason: 'none' }]);
  await charge({ name: 'split-again', advertiserId, campaignId, priceKrw: 600, agoMs: 1_000 });
  await expectBooksInOrder();
}, 60_000);

test('addresses that were listed afterwards are hashed on arrival; two findings of one click move its money once', async () => {
  const advertiserId = await world.company('bots', '110810104', 10_000);
  const ip = '203.0.113.77';
  const ipHash = keyedHash(world.api.deps.config.HASH_KEY, 'ip', ip);
  const now = await businessNow(world.api);
  const event = {
    ...clickEvent({
      name: 'bot-ip',
      advertiserId,
      campaignId: campaignOf(advertiserId),
      priceKrw: 300,
      issuedAtMs: now - 9_000,
    }),
    ipHash,
  };
  await chargeClicks(pool(), [deliver(event)], { bidFloorKrw: 50 });
  const period = { from: iso(now - 3_600_000), to: iso(now) };
  const one = await make({ rule: 'bot_list_late', ipAddresses: [ip], ...period });
  const other = await make({ rule: 'manual', clickIds: [event.clickId] });
  const kept = await world.api.owner.query<{ text: string }>(
    'SELECT criteria::text AS text FROM invalid_click_finding WHERE id = $1',
    [one],
  );
  expect(kept.rows[0]?.text).toContain(ipHash);
  expect(kept.rows[0]?.text).not.toContain(ip);
  const answers = await Promise.all([one, other].map((id) => post(`${FINDINGS}/${id}/confirmation`)));
  expect(answers.map((answer) => answer.status)).toEqual([202, 202]);
  const ends = [await ended(one), await ended(other)];
  expect(ends.map((end) => end.reversedClicks).sort()).toEqual([0, 1]);
  expect(ends.map((end) => end.alreadyReversedClicks).sort()).toEqual([0, 1]);
  expect(await walletOf(advertiserId)).toMatchObject({ cashKrw: 10_000 });
  await expectBooksInOrder();
}, 60_000);

test('a run that loses its worker, and is then ended by force, is taken up again and does nothing twice', async () => {
  const advertiserId = await world.company('many', '110810105', 100_000);
  const clicks = 330;
  await charge(
    ...Array.from({ length: clicks }, (_, n) => ({
      name: `many-${n}`,
      advertiserId,
      priceKrw: 60,
      deviceHash: 'dev_many',
      agoMs: 5_000 + n,
    })),
  );
  const now = await businessNow(world.api);
  const id = await make({ rule: 'manual', deviceHash: 'dev_many', from: iso(now - 3_600_000), to: iso(now) });
  await post(`${FINDINGS}/${id}/confirmation`);
  await poll('the first clicks are back', async () => Number((await read(id)).reversedClicks) > 0, 30_000);
  await worker.stop();
  const halfway = await read(id);
  expect(halfway.status).toBe('reversing');
  expect(Number(halfway.reversedClicks)).toBeLessThan(clicks);
  await world.api.deps.temporal.client.workflow.getHandle(invalidClickReversalId(id)).terminate('a test');
  worker = world.startWorker();
  expect((await post(`${FINDINGS}/${id}/confirmation`)).status).toBe(202);
  expect(await ended(id)).toMatchObject({
    reversedClicks: clicks,
    reversedCashKrw: clicks * 60,
    alreadyReversedClicks: 0,
  });
  expect(await walletOf(advertiserId)).toMatchObject({ cashKrw: 100_000 });
  expect(
    (await notices('invalid_clicks_reversed')).filter((notice) => notice.who === advertiserId),
  ).toHaveLength(1);
  await expectBooksInOrder();
}, 120_000);

test('by signal: who may not decide is ignored with the reason, an admin withdraws, and nothing moves', async () => {
  const advertiserId = await world.company('signals', '110810106', 10_000);
  const [clickId] = await charge({ name: 'signal', advertiserId, priceKrw: 500, agoMs: 3_000 });
  const id = await make({ rule: 'manual', clickIds: [clickId] });
  const handle = world.api.deps.temporal.client.workflow.getHandle(invalidClickReversalId(id));
  for (const [sent, why] of [
    [{ actorId: 'usr_finance' }, 'Only an active admin'],
    [{}, 'names its actor'],
    [{ actorId: 'usr\u0000' }, 'cannot be stored'],
  ] as const) {
    await handle.signal(INVALID_CLICK_REVERSAL.confirm, sent);
    await poll(why, async () => (await stateOf(id)).ignoredDecision?.why.includes(why), 15_000, 50);
    expect((await read(id)).status).toBe('waiting');
  }
  await handle.signal(INVALID_CLICK_REVERSAL.withdraw, { actorId: 'usr_admin' });
  expect(await handle.result()).toMatchObject({ status: 'withdrawn', decidedBy: 'usr_admin' });
  const { rows } = await world.api.owner.query<{ via: string }>(
    `SELECT via FROM audit_log WHERE object_id = $1 AND action = 'invalid_click_finding.withdrawn'`,
    [id],
  );
  expect(rows).toEqual([{ via: 'signal' }]);
  expect((await post(`${FINDINGS}/${id}/confirmation`)).body.code).toBe('already_decided');
  expect(await walletOf(advertiserId)).toMatchObject({ cashKrw: 9_500 });
}, 60_000);

test('what cannot be asked is refused with its field and a next step; only admins may find', async () => {
  const now = await businessNow(world.api);
  const period = { from: iso(now - 3_600_000), to: iso(now) };
  const unknown = clickEvent({
    name: 'never',
    advertiserId: 'adv_x',
    campaignId: 'cmp_x',
    priceKrw: 60,
  }).clickId;
  for (const [body, status, code] of [
    [{ rule: 'manual', ...period }, 422, 'invalid_criteria'],
    [{ rule: 'manual', campaignId: 'c', from: period.from }, 422, 'invalid_criteria'],
    [{ rule: 'manual', campaignId: 'c', from: period.to, to: period.from }, 422, 'invalid_criteria'],
    [{ rule: 'device_burst_late', from: period.from, to: iso(now + 3_600_000) }, 422, 'invalid_criteria'],
    [{ rule: 'device_burst_late', from: iso(now - 8 * 86_400_000), to: iso(now) }, 422, 'invalid_criteria'],
    [{ rule: 'manual', clickIds: [unknown] }, 422, 'clicks_not_charged'],
    [{ rule: 'manual', campaignId: 'cmp_none', ...period }, 422, 'nothing_found'],
    [{ rule: 'manual', clickIds: ['x'] }, 400, 'invalid_request'],
    [{ rule: 'bot_list_late', ipAddresses: ['300.1.1.1'], ...period }, 400, 'invalid_request'],
    [{ rule: 'guess', ...period }, 400, 'invalid_request'],
    [{ rule: 'device_burst_late', clicksPerHour: 1, ...period }, 400, 'invalid_request'],
  ] as const) {
    const answer = await post(FINDINGS, { note: NOTE, ...body });
    expect([JSON.stringify(body), answer.status, answer.body.code]).toEqual([
      JSON.stringify(body),
      status,
      code,
    ]);
    expect(typeof answer.body.nextStep).toBe('string');
  }
  const noKey = await world.api.call(FINDINGS, {
    method: 'POST',
    token: admin,
    body: { rule: 'manual', note: NOTE },
  });
  expect([noKey.status, noKey.body.code]).toEqual([400, 'invalid_request']);
  for (const path of ['confirmation', 'withdrawal']) {
    expect((await post(`${FINDINGS}/icf_none/${path}`)).status).toBe(404);
  }
  for (const who of ['finance', 'advertiser'] as const) {
    const token = await world.api.signIn(who);
    expect((await post(FINDINGS, { rule: 'manual', note: NOTE }, randomUUID(), token)).status).toBe(403);
    const list = await world.api.call(`${FINDINGS}?status=completed&limit=2`, { token });
    expect(list.status).toBe(who === 'finance' ? 200 : 403);
  }
});

/** A company that has spent 900 won of a deposit which the bank then took back. */
async function oweEverything(name: string, firstNine: string) {
  const advertiserId = await world.company(name, firstNine, 10_000);
  const [clickId = ''] = await charge({ name, advertiserId, priceKrw: 900, agoMs: 2_000 });
  const taken = await postOnce(pool(), {
    idempotencyKey: `taken-back:${name}`,
    advertiserId,
    amountKrw: 10_000,
    cause: 'top_up_reversal',
    memo: null,
    lines: async (_client, wallet) => topUpReversalLines(toKrw(10_000), wallet.cashKrw),
  });
  expect(taken.ok).toBe(true);
  const money = async () => {
    const { rows } = await world.api.owner.query<{ reason: string }>(
      'SELECT reason FROM serving_stop WHERE id = $1',
      [advertiserId],
    );
    const owedKrw = await readReceivable(pool(), advertiserId);
    return { cashKrw: (await walletOf(advertiserId))?.cashKrw, owedKrw, stop: rows[0]?.reason };
  };
  expect(await money()).toEqual({ cashKrw: 0, owedKrw: 900, stop: 'payment_reversed' });
  return { clickId, money };
}

test('a charge of a closed day and an invoiced month is booked today; finance hears which invoice needs a correction', async () => {
  const advertiserId = await world.company('late', '110810107', 100_000);
  const ids = await charge(
    { name: 'late-1', advertiserId, priceKrw: 5_500, agoMs: 4_000 },
    { name: 'late-2', advertiserId, priceKrw: 1_100, agoMs: 3_000 },
    { name: 'late-3', advertiserId, priceKrw: 700, agoMs: 2_000 },
  );
  const debtor = await oweEverything('debtor', '110810108');
  const day = businessDateOf(await businessNow(world.api));
  const month = monthOf(day);
  await world.advance({ toMs: startOfBusinessDate(addDays(day, 1)) + 1_000 });
  await world.finance('/v1/settlements/daily', { date: day });
  const runs = async () =>
    (await world.finance(`/v1/settlements/daily/${day}`)).body.items as
      | { status: string; linesHash: string; runNo: number }[]
      | undefined;
  const settled = (runNo: number) =>
    poll(
      `run ${runNo}`,
      async () => (await runs())?.find((run) => run.runNo === runNo && run.status !== 'running'),
      60_000,
      100,
    );
  const first = await settled(1);
  expect(first.status).toBe('completed');

  const early = await takeBack({ rule: 'manual', clickIds: [ids[2]] });
  expect(early).toMatchObject({ reversedCashKrw: 700, needsCorrection: [] });
  // The debt is paid first; nothing reaches the wallet, and with nothing owed the balance alone keeps it stopped.
  expect(await takeBack({ rule: 'manual', clickIds: [debtor.clickId] })).toMatchObject({
    reversedCashKrw: 900,
  });
  expect(await debtor.money()).toEqual({ cashKrw: 0, owedKrw: 0, stop: 'balance_exhausted' });
  const { rows } = await world.api.owner.query<{ booked: string; charged: string }>(
    `SELECT booked_date::text AS booked, charge_booked_date::text AS charged FROM click_reversal WHERE click_id = $1`,
    [ids[2]],
  );
  expect(rows).toEqual([{ booked: addDays(day, 1), charged: day }]);
  await world.finance('/v1/settlements/daily', { date: day });
  expect(await settled(2)).toMatchObject({ status: 'completed', linesHash: first.linesHash });

  await world.advance({ toMs: startOfBusinessDate(firstDayAfter(month)) + 1_000 });
  await world.finance('/v1/settlements/monthly', { month });
  const original = `${advertiserId}:${month}:0`;
  const accepted = (id: string) =>
    poll(
      `${id} is accepted`,
      async () => {
        const { body } = await world.finance(`/v1/tax-invoices/${id}`);
        return body.state === 'NTS_ACCEPTED' && body;
      },
      120_000,
      200,
    );
  expect(await accepted(original)).toMatchObject({ totalAmountKrw: 6_600 });
  // It was taken back before the invoice was drawn up, and nets in it.
  const needed = async (finding: Answer['body']) =>
    (await read(String(finding.findingId))).needsCorrection as unknown[];
  expect(await needed(early)).toEqual([]);
  const dropped = await make({ rule: 'manual', clickIds: [ids[1]] });
  expect((await read(dropped)).needsCorrection).toMatchObject([{ taxInvoiceId: original }]);
  await post(`${FINDINGS}/${dropped}/withdrawal`);
  expect((await read(dropped)).needsCorrection).toEqual([]);

  const done = await takeBack({ rule: 'manual', clickIds: [ids[0]] });
  expect(done).toMatchObject({
    reversedCashKrw: 5_500,
    needsCorrection: [{ taxInvoiceId: original, advertiserId, month }],
  });
  expect(await notices('tax_correction_needed')).toMatchObject([
    { who: 'finance', variables: { count: '1', documents: original } },
  ]);
  const correction = await world.finance(`/v1/tax-invoices/${original}/corrections`, {
    reason: 'invalid clicks',
  });
  expect(correction.status).toBe(202);
  expect(await accepted(`${advertiserId}:${month}:1`)).toMatchObject({ totalAmountKrw: -5_500 });
  expect(await needed(done)).toEqual([]);
  expect(await budgetOf(campaignOf(advertiserId))).toMatchObject({ totalSpentKrw: 1_100 });
  await expectBooksInOrder();
}, 300_000);
