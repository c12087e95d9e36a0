import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdClicked } from '../../contracts/events/ad-events.js';
import { TASK_QUEUES } from '../../contracts/temporal/campaign-lifecycle.js';
import {
  DAILY_INVALID_CLICKS,
  type DailyInvalidClicks,
  invalidClickReversalId,
} from '../../contracts/temporal/invalid-click-finding.js';
import { addDays, businessDateOf, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import { MOST_CLICKS_OF_A_FINDING } from '../../domain/invalid-click-finding.js';
import { countedAddress } from '../../domain/shopper-address.js';
import { keyedHash } from '../../infra/ids.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { clickEvent, deliver } from '../support/money.js';
import type { Answer } from './identity-console.js';
import { businessNow, campaignOf, type SettlementWorld, startSettlementWorld } from './settlement-world.js';

/** What a search finds: by network, at one moment, in any period, and by itself every morning. */
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

const FINDINGS = '/v1/invalid-click-findings';
const CLICKS_PER_BATCH = 1_000;
const iso = (ms: number) => new Date(ms).toISOString();
const ask = (body: Record<string, unknown>): Promise<Answer> =>
  world.api.call(FINDINGS, {
    method: 'POST',
    token: admin,
    headers: { 'idempotency-key': randomUUID() },
    body: { note: 'asked by a test', ...body },
  });

/** Charged clicks of one device, at these times. */
async function charge(
  advertiserId: string,
  deviceHash: string,
  clickedAt: readonly number[],
  more: Partial<AdClicked> = {},
): Promise<string[]> {
  const names = { advertiserId, campaignId: campaignOf(advertiserId), deviceHash, priceKrw: 60 };
  // Half a second after the ad was served.
  const events = clickedAt.map((at, n) => ({
    ...clickEvent({ ...names, name: `${deviceHash}-${n}`, issuedAtMs: at - 500 }),
    ...more,
  }));
  for (let from = 0; from < events.length; from += CLICKS_PER_BATCH) {
    const batch = events.slice(from, from + CLICKS_PER_BATCH).map(deliver);
    const { clicks } = await chargeClicks(world.api.deps.pool, batch, { bidFloorKrw: 50 });
    expect(clicks.filter((click) => click.outcome !== 'charged')).toEqual([]);
  }
  return events.map((event) => event.clickId);
}

test('an IPv6 address that was listed finds the clicks of its network, as they were counted', async () => {
  const advertiserId = await world.company('network', '110810121', 10_000);
  const now = await businessNow(world.api);
  const ipHash = keyedHash(world.api.deps.config.HASH_KEY, 'ip', countedAddress('2001:db8:1:2::5'));
  const [clickId] = await charge(advertiserId, 'dev_network', [now - 5_000], { ipHash });
  const period = { rule: 'bot_list_late', from: iso(now - 3_600_000), to: iso(now), dryRun: true };
  const found = await ask({ ...period, ipAddresses: ['2001:DB8:1:2:ffff::9'] });
  expect([found.status, found.body.sampleClickIds]).toEqual([200, [clickId]]);
  expect((await ask({ ...period, ipAddresses: ['2001:db8:1:3::5'] })).body.code).toBe('nothing_found');
});

test('of clicks at one and the same moment only those beyond the limit are found', async () => {
  const advertiserId = await world.company('moment', '110810122', 10_000);
  const now = await businessNow(world.api);
  const second = Math.floor((now - 10_000) / 1_000) * 1_000;
  const ids = await charge(advertiserId, 'dev_moment', [second - 60_000, ...Array<number>(7).fill(second)]);
  const found = await ask({
    rule: 'device_burst_late',
    deviceHash: 'dev_moment',
    clicksPerHour: 5,
    from: iso(now - 3_600_000),
    to: iso(now),
    dryRun: true,
  });
  expect([found.body.clicks, found.body.sampleClickIds]).toEqual([3, ids.slice(1).sort().slice(4)]);
});

test('periods and places that no store can compare are refused with a next step', async () => {
  for (const from of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '2019-12-31T00:00:00Z']) {
    const to = iso(Date.parse(from) + 3_600_000);
    for (const rule of ['manual', 'device_burst_late']) {
      const answer = await ask({ rule, ...(rule === 'manual' ? { campaignId: 'cmp_x' } : {}), from, to });
      const { code, nextStep } = answer.body;
      expect([rule, from, answer.status, code, typeof nextStep]).toEqual([
        rule,
        from,
        422,
        'invalid_criteria',
        'string',
      ]);
    }
  }
  const farId = 'ffffffff-ffff-7fff-8fff-ffffffffffff';
  expect((await ask({ rule: 'manual', clickIds: [farId] })).status).toBe(400);
  const far = Buffer.from(JSON.stringify([Number.MAX_SAFE_INTEGER, 'icf_x'])).toString('base64url');
  expect((await world.api.call(`${FINDINGS}?cursor=${far}`, { token: admin })).status).toBe(200);
});

const runDaily = (input: { businessDate?: string }): Promise<DailyInvalidClicks> =>
  world.api.deps.temporal.client.workflow.execute(DAILY_INVALID_CLICKS.workflowType, {
    workflowId: `${DAILY_INVALID_CLICKS.workflowId}:${randomUUID()}`,
    taskQueue: TASK_QUEUES.settlement,
    args: [input],
  });

test('every morning bursts are found by themselves, told to the admins once, and wait for one of them', async () => {
  const advertiserId = await world.company('daily', '110810123', 2_000_000);
  const day = businessDateOf(await businessNow(world.api));
  // Two parts of the day, so that what is too much for one finding is found in two.
  await world.advance({ toMs: startOfBusinessDate(addDays(day, 1)) + 20 * 3_600_000 });
  const date = addDays(day, 1);
  const morning = startOfBusinessDate(date) + 3_600_000;
  const evening = startOfBusinessDate(date) + 18 * 3_600_000;
  const half = MOST_CLICKS_OF_A_FINDING / 2 + 100;
  const times = (from: number) => Array.from({ length: half }, (_, n) => from + n * 100);
  await charge(advertiserId, 'dev_morning', times(morning));
  await charge(advertiserId, 'dev_evening', times(evening));
  await world.advance({ byMs: 2 * DAY_MS });

  const first = await runDaily({});
  expect([first.businessDate, first.findingIds.length, first.notSearched]).toEqual([date, 2, []]);
  const found = await Promise.all(
    first.findingIds.map(async (id) => (await world.api.call(`${FINDINGS}/${id}`, { token: admin })).body),
  );
  // The first 60 of an hour are nobody's burst.
  expect(found).toMatchObject([
    { status: 'waiting', clicks: half - 60, createdBy: 'system', reversedClicks: 0 },
    { status: 'waiting', clicks: half - 60, createdBy: 'system', reversedClicks: 0 },
  ]);
  const told = async () => {
    const { rows } = await world.api.owner.query<{ text: string }>(
      `SELECT role || ' ' || (variables ->> 'findingId') AS text FROM notification WHERE template = 'invalid_clicks_found'`,
    );
    return rows.map(({ text }) => text).sort();
  };
  expect(await told()).toEqual(first.findingIds.map((id) => `admin ${id}`).sort());
  for (const id of first.findingIds) {
    const { status } = await world.api.deps.temporal.client.workflow
      .getHandle(invalidClickReversalId(id))
      .describe();
    expect(status.name).toBe('RUNNING');
  }

  const again = await runDaily({ businessDate: date });
  expect(again).toEqual(first);
  expect(await told()).toHaveLength(2);
  const quiet = await runDaily({ businessDate: addDays(date, -7) });
  expect([quiet.findingIds, quiet.notSearched]).toEqual([[], []]);
  const [dropped = ''] = first.findingIds;
  const withdrawn = await world.api.call(`${FINDINGS}/${dropped}/withdrawal`, {
    method: 'POST',
    token: admin,
    headers: { 'idempotency-key': randomUUID() },
  });
  expect([withdrawn.status, withdrawn.body.status]).toEqual([202, 'withdrawn']);
}, 180_000);

test('a day that is not over, or is none, ends the search with the reason instead of repeating it', async () => {
  const tomorrow = addDays(businessDateOf(await businessNow(world.api)), 1);
  for (const [businessDate, why] of [
    [tomorrow, 'not over'],
    ['2026-02-30', 'no day'],
  ] as const) {
    const ended = await runDaily({ businessDate }).catch((error: unknown) => error);
    expect(causes(ended).join(' ')).toContain(why);
  }
});

/** The sentences of an error and of what it comes from. */
function causes(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...causes(error.cause)] : [];
}
