import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { startNotificationSender } from '../../consumers/notification-sender.js';
import { MAX_DELIVERY_ATTEMPTS } from '../../domain/notification-text.js';
import { takeDueDeliveries } from '../../operations/notification-deliveries.js';
import { type Notice, notify } from '../../operations/notify.js';
import { poll } from '../support/poll.js';
import { type Applicant, type OnboardingWorld, startOnboardingWorld } from './onboarding-world.js';

const NOON = Date.parse('2026-11-24T12:00:00+09:00');
const NIGHT = Date.parse('2026-11-24T23:00:00+09:00');

let world: OnboardingWorld;
let senders: ReturnType<typeof startNotificationSender>[] = [];
beforeAll(async () => {
  world = await startOnboardingWorld();
});
afterEach(async () => {
  await Promise.all(senders.map((sender) => sender.stop()));
  senders = [];
  await world.sandbox.behaviour('mail', {});
  await world.sandbox.behaviour('messages', {});
});
afterAll(() => world?.close());

const sendAt = (now: () => number) => senders.push(world.startSender(now));

async function tell(to: Notice['to'], template: Notice['template'] = 'advertiser_approved'): Promise<string> {
  const dedupeKey = randomUUID();
  const notice = { dedupeKey, template, to, variables: { companyName: '한빛상점', balanceKrw: '0' } };
  expect(await notify(world.pool, notice)).toBe(true);
  expect(await notify(world.pool, notice)).toBe(false);
  const { rows } = await world.pool.query<{ id: string }>(
    'SELECT id FROM notification WHERE dedupe_key = $1',
    [dedupeKey],
  );
  return rows[0]?.id ?? '';
}
async function deliveryOf(id: string, channel: string) {
  const { rows } = await world.pool.query<{ status: string; attempts: number; last_error: string | null }>(
    'SELECT status, attempts, last_error FROM notification_delivery WHERE notification_id = $1 AND channel = $2',
    [id, channel],
  );
  return rows[0];
}
const reach = (id: string, channel: string, status: string) =>
  poll(`${channel} is ${status}`, async () => {
    const delivery = await deliveryOf(id, channel);
    return delivery?.status === status && delivery;
  });
const mailOf = (applicant: Applicant) => String(applicant.form.contactEmail);

test('one notice, one mail in both languages and one Alimtalk, though two senders run', async () => {
  const applicant = await world.applicant({ contactPhone: '010-7777-0001' });
  sendAt(() => NOON);
  sendAt(() => NOON);
  const id = await tell({ advertiserId: applicant.advertiserId });
  await reach(id, 'mail', 'sent');
  await reach(id, 'alimtalk', 'sent');
  const mails = await world.sandbox.mails(mailOf(applicant));
  expect(mails).toMatchObject([{ subject: '[광고센터] 광고주 신청이 승인되었습니다' }]);
  expect(mails[0]?.text).toContain('The account of 한빛상점 is active');
  expect(mails[0]?.messageId).toContain(id);
  const messages = await world.sandbox.messages('01077770001');
  expect(messages).toMatchObject([{ templateCode: 'ADVERTISER_APPROVED', referenceId: `${id}.alimtalk` }]);
});

test('staff are written to by role, each of them', async () => {
  sendAt(() => NOON);
  const id = await tell({ role: 'admin' }, 'advertiser_review_waiting');
  await reach(id, 'mail', 'sent');
  const { rows } = await world.pool.query<{ email: string }>(
    `SELECT email FROM user_account WHERE role = 'admin'`,
  );
  for (const { email } of rows) {
    expect((await world.sandbox.mails(email)).filter((mail) => mail.messageId.includes(id))).toHaveLength(1);
  }
});

test('while one provider is away the other goes on; what failed is repeated later and arrives once', async () => {
  await world.sandbox.behaviour('mail', { failNext: 1 });
  const applicant = await world.applicant({ contactPhone: '010-7777-0002' });
  sendAt(() => NOON);
  const id = await tell({ advertiserId: applicant.advertiserId });
  await reach(id, 'alimtalk', 'sent');
  const waiting = await poll('a failed attempt', async () => {
    const delivery = await deliveryOf(id, 'mail');
    return delivery?.last_error != null && delivery;
  });
  expect(waiting).toMatchObject({ status: 'pending', attempts: 1 });
  await world.pool.query(
    'UPDATE notification_delivery SET next_attempt_at = clock_timestamp() WHERE notification_id = $1',
    [id],
  );
  expect(await reach(id, 'mail', 'sent')).toMatchObject({ attempts: 2, last_error: null });
  expect(await world.sandbox.mails(mailOf(applicant))).toHaveLength(1);
});

test('after eight attempts it is given up, with the reason and a count', async () => {
  await world.sandbox.behaviour('mail', { failNext: 5 });
  const applicant = await world.applicant();
  const id = await tell({ advertiserId: applicant.advertiserId });
  await world.pool.query('UPDATE notification_delivery SET attempts = $2 WHERE notification_id = $1', [
    id,
    MAX_DELIVERY_ATTEMPTS - 1,
  ]);
  sendAt(() => NOON);
  const failed = await reach(id, 'mail', 'failed');
  expect(failed?.attempts).toBe(MAX_DELIVERY_ATTEMPTS);
  expect(failed?.last_error).not.toBeNull();
  expect(await world.metrics.registry.metrics()).toMatch(
    /ads_notification_deliveries_total\{channel="mail",status="failed"\} 1/,
  );
});

test('at night an Alimtalk that is not urgent waits for the morning, a mail does not', async () => {
  const applicant = await world.applicant({ contactPhone: '010-7777-0003' });
  let now = NIGHT;
  sendAt(() => now);
  const urgent = await tell({ advertiserId: applicant.advertiserId }, 'balance_exhausted');
  const calm = await tell({ advertiserId: applicant.advertiserId });
  await reach(calm, 'mail', 'sent');
  await reach(urgent, 'alimtalk', 'sent');
  expect(await deliveryOf(calm, 'alimtalk')).toMatchObject({ status: 'pending', attempts: 0 });
  now = NOON;
  await reach(calm, 'alimtalk', 'sent');
});

test('who gave no telephone number is skipped, and a delivery in other hands is not taken', async () => {
  await world.pool.query(
    `INSERT INTO advertiser (id, name, business_number, status, created_at) VALUES ('adv_seeded', 'Seeded', '0000000001', 'active', now())`,
  );
  const id = await tell({ advertiserId: 'adv_seeded' });
  const taken = await takeDueDeliveries(world.pool, 'mail', { quiet: false, limit: 100 });
  expect(taken.map((one) => one.notificationId)).toContain(id);
  expect(await takeDueDeliveries(world.pool, 'mail', { quiet: false, limit: 100 })).toEqual([]);
  sendAt(() => NOON);
  expect(await reach(id, 'alimtalk', 'skipped')).toMatchObject({ last_error: 'no telephone number' });
});

test('the inbox: pages, what is unread, read once, read all; never another’s', async () => {
  const [one, other] = [await world.applicant(), await world.applicant()];
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.push(await tell({ advertiserId: one.advertiserId }));
  const foreign = await tell({ advertiserId: other.advertiserId });
  const first = await one.call('GET', '/v1/notifications?limit=2');
  expect([first.body.items.length, first.body.unread]).toEqual([2, 3]);
  const second = await one.call('GET', `/v1/notifications?limit=2&cursor=${first.body.nextCursor}`);
  const seen = [...first.body.items, ...second.body.items].map((item: { id: string }) => item.id);
  expect([seen.sort(), second.body.nextCursor]).toEqual([[...ids].sort(), null]);
  const read = await one.call('POST', `/v1/notifications/${ids[0]}/read`);
  const again = await one.call('POST', `/v1/notifications/${ids[0]}/read`);
  expect(again.body.readAt).toBe(read.body.readAt);
  expect((await one.call('POST', `/v1/notifications/${foreign}/read`)).status).toBe(404);
  const unread = await one.call('GET', '/v1/notifications?unread=true');
  expect(unread.body.items.map((item: { id: string }) => item.id).sort()).toEqual(ids.slice(1).sort());
  expect((await one.call('POST', '/v1/notifications/read-all')).body).toEqual({ unread: 0 });
  expect((await one.call('GET', '/v1/notifications/unread-count')).body).toEqual({ unread: 0 });
  expect((await other.call('GET', '/v1/notifications/unread-count')).body).toEqual({ unread: 1 });
  expect((await world.finance.call('GET', '/v1/notifications')).body.items).toEqual([]);
});

test('a closed mailbox keeps the notice from nobody else, and no address gets into the reason', async () => {
  const { rows } = await world.pool.query<{ id: string; email: string }>(
    `SELECT id, email FROM user_account WHERE role = 'admin' ORDER BY id`,
  );
  const [closed, ...open] = rows;
  const setEmail = (email: string | undefined) =>
    world.owner.query('UPDATE user_account SET email = $2 WHERE id = $1', [closed?.id, email]);
  await setEmail('bounce@sellers.example');
  sendAt(() => NOON);
  const id = await tell({ role: 'admin' }, 'advertiser_review_waiting');
  await reach(id, 'mail', 'sent');
  await setEmail(closed?.email);
  expect(open.length).toBeGreaterThan(0);
  for (const { email } of open) {
    expect((await world.sandbox.mails(email)).filter((mail) => mail.messageId.includes(id))).toHaveLength(1);
  }
  const alone = await world.applicant();
  await world.owner.query('UPDATE user_account SET email = $2 WHERE advertiser_id = $1', [
    alone.advertiserId,
    'bounce@sellers.example',
  ]);
  const refused = await reach(await tell({ advertiserId: alone.advertiserId }), 'mail', 'failed');
  expect(refused?.last_error).toContain('no such mailbox: <address>');
  expect(refused?.last_error).not.toContain('@');
});
