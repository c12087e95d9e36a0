import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPaymentProvider } from '../../infra/payment-provider.js';
import { createSecretBox } from '../../infra/secret-box.js';
import { openBillingKey } from '../../operations/billing-methods.js';
import { planAutoTopUp } from '../../operations/plan-auto-top-up.js';
import { reconcile } from '../../operations/reconcile.js';
import { signalAutoTopUp } from '../../operations/signal-auto-top-up.js';
import { poll } from '../support/poll.js';
import { type Person, startTopUpWorld, type TopUpWorld } from './top-up-world.js';

let world: TopUpWorld;
beforeAll(async () => {
  world = await startTopUpWorld();
});
afterAll(async () => {
  const { invariants } = await reconcile(world.pool);
  await world.close();
  expect(invariants.filter((invariant) => !invariant.ok)).toEqual([]);
});

interface Methods {
  readonly customerKey: string;
  readonly items: readonly { readonly id: string; readonly maskedCard: string }[];
}
interface Settings {
  readonly enabled: boolean;
  readonly consecutiveFailures: number;
  readonly disabledReason: string | null;
  readonly code: string;
}

const SETTINGS = {
  enabled: true,
  thresholdKrw: 20_000,
  amountKrw: 30_000,
  monthlyCapKrw: 100_000,
  cooldownMinutes: 60,
};
const pathOf = (advertiserId: string, part: string) => `/v1/advertisers/${advertiserId}/${part}`;
const setUp = (person: Person, advertiserId: string, change: Partial<typeof SETTINGS> = {}) =>
  person.call<Settings>('PUT', pathOf(advertiserId, 'auto-top-up'), { ...SETTINGS, ...change });
const settingsOf = async (person: Person, advertiserId: string) =>
  (await person.call<Settings>('GET', pathOf(advertiserId, 'auto-top-up'))).body;

async function sellerWithCard(cardNumber?: string) {
  const seller = await world.seller();
  const path = pathOf(seller.advertiserId, 'billing-methods');
  const { customerKey } = (await seller.person.call<Methods>('GET', path)).body;
  const card = cardNumber === undefined ? {} : { cardNumber };
  const { authKey } = await world.sandbox.authoriseBilling({ customerKey, ...card });
  const registered = await seller.person.call<{ id: string }>('POST', path, { authKey });
  expect(registered.status).toBe(201);
  return { ...seller, methodId: registered.body.id, authKey };
}

const topUpsOf = async (advertiserId: string) => {
  const { rows } = await world.pool.query<{ id: string; status: string }>(
    'SELECT id, status FROM top_up WHERE advertiser_id = $1 ORDER BY created_at, id',
    [advertiserId],
  );
  return rows;
};
const cashOf = async (advertiserId: string) => (await world.walletOf(advertiserId)).cashKrw;
/** The cooldown is over: its start is moved back, which is what a waiting workflow reads. */
const endCooldown = (advertiserId: string) =>
  world.pool.query(
    `UPDATE auto_top_up SET last_attempt_at = last_attempt_at - interval '1 day'
    WHERE advertiser_id = $1`,
    [advertiserId],
  );
const signal = (advertiserId: string) => signalAutoTopUp(world.temporal.client, advertiserId);
const paymentsOf = async (advertiserId: string) => {
  const ids = new Set((await topUpsOf(advertiserId)).map(({ id }) => id));
  return (await world.sandbox.payments()).filter((payment) => ids.has(payment.orderId));
};

describe('charging', () => {
  test('switched on below the threshold it charges at once; ten signals more charge nothing', async () => {
    const { advertiserId, person } = await sellerWithCard();
    expect((await setUp(person, advertiserId)).status).toBe(200);
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    await Promise.all(Array.from({ length: 10 }, () => signal(advertiserId)));
    await idle(advertiserId);
    expect(await topUpsOf(advertiserId)).toMatchObject([{ status: 'credited' }]);
    expect(await paymentsOf(advertiserId)).toHaveLength(1);
    expect(await world.notices(advertiserId)).toEqual(['top_up_credited']);
  });

  test('ten signals at once below the threshold charge once', async () => {
    const { advertiserId, person } = await sellerWithCard();
    await setUp(person, advertiserId, { enabled: false });
    await world.pool.query('UPDATE auto_top_up SET enabled = true WHERE advertiser_id = $1', [advertiserId]);
    await Promise.all(Array.from({ length: 10 }, () => signal(advertiserId)));
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    await idle(advertiserId);
    expect(await topUpsOf(advertiserId)).toHaveLength(1);
  });

  test('one that died between charge and credit finds its payment and credits it, without a second charge', async () => {
    const { advertiserId, person } = await sellerWithCard();
    await setUp(person, advertiserId, { enabled: false });
    await world.pool.query('UPDATE auto_top_up SET enabled = true WHERE advertiser_id = $1', [advertiserId]);
    const step = await planAutoTopUp(world.pool, advertiserId);
    if (step.kind !== 'charge') throw new Error(`expected a charge, got ${step.kind}`);
    expect(await planAutoTopUp(world.pool, advertiserId)).toEqual(step);
    const secrets = createSecretBox(world.config.BILLING_KEY_ENCRYPTION_KEY);
    const card = await openBillingKey({ pool: world.pool, secrets }, advertiserId);
    if (card === null) throw new Error('no card');
    const charged = await createPaymentProvider(world.config).chargeBillingKey({
      ...card,
      orderId: step.topUpId,
      orderName: 'before the crash',
      amountKrw: 30_000,
      idempotencyKey: 'another-key-than-ours',
    });
    expect(charged.ok).toBe(true);
    await signal(advertiserId);
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    expect(await paymentsOf(advertiserId)).toHaveLength(1);
    expect(await topUpsOf(advertiserId)).toMatchObject([{ id: step.topUpId, status: 'credited' }]);
  });

  test('a lost answer of the provider is asked for again: one payment, one credit', async () => {
    const { advertiserId, person } = await sellerWithCard();
    await world.sandbox.behaviour('payments', { dropConnectionNext: 2 });
    await setUp(person, advertiserId);
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000, 20_000);
    expect(await paymentsOf(advertiserId)).toHaveLength(1);
  });
});

/** Nothing is under way for this advertiser: what was signalled has been looked at. */
const idle = (advertiserId: string) =>
  poll('the automatic top-up rests', async () => {
    const handle = world.temporal.client.workflow.getHandle(`auto-top-up:${advertiserId}`);
    return (await handle.describe()).status.name === 'COMPLETED';
  });

describe('limits', () => {
  test('three refusals in a row, a cooldown apart, switch it off with a notice', async () => {
    const { advertiserId, person } = await sellerWithCard('4330123412340001');
    await setUp(person, advertiserId);
    for (const failures of [1, 2, 3]) {
      await poll(`${failures} failures`, async () => {
        const settings = await settingsOf(person, advertiserId);
        return settings.consecutiveFailures === failures;
      });
      expect(await topUpsOf(advertiserId)).toHaveLength(failures);
      await endCooldown(advertiserId);
      await signal(advertiserId);
    }
    await idle(advertiserId);
    expect(await settingsOf(person, advertiserId)).toMatchObject({
      enabled: false,
      disabledReason: 'declined_too_often',
    });
    expect(await world.notices(advertiserId)).toEqual([
      'auto_top_up_failed',
      'auto_top_up_failed',
      'auto_top_up_off',
    ]);
    expect(await topUpsOf(advertiserId)).toHaveLength(3);
    expect(await cashOf(advertiserId)).toBe(0);
  });

  test('during the cooldown a signal waits; after it the next charge follows', async () => {
    const { advertiserId, person } = await sellerWithCard();
    await setUp(person, advertiserId, { thresholdKrw: 1_000_000 });
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    await signal(advertiserId);
    expect(await planAutoTopUp(world.pool, advertiserId)).toMatchObject({ kind: 'wait' });
    expect(await topUpsOf(advertiserId)).toHaveLength(1);
    await endCooldown(advertiserId);
    await signal(advertiserId);
    await poll('credited again', async () => (await cashOf(advertiserId)) === 60_000);
  });

  test('the monthly cap ends it for the month, told once', async () => {
    const { advertiserId, person } = await sellerWithCard();
    await setUp(person, advertiserId, { thresholdKrw: 1_000_000, monthlyCapKrw: 50_000 });
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    await endCooldown(advertiserId);
    for (const _ of [1, 2]) {
      await signal(advertiserId);
      await idle(advertiserId);
    }
    expect(await topUpsOf(advertiserId)).toHaveLength(1);
    expect(await world.notices(advertiserId)).toEqual(['top_up_credited', 'auto_top_up_cap_reached']);
  });

  test('a removed card erases its key and switches off', async () => {
    const { advertiserId, person, methodId } = await sellerWithCard();
    await setUp(person, advertiserId);
    await poll('credited', async () => (await cashOf(advertiserId)) === 30_000);
    const path = pathOf(advertiserId, `billing-methods/${methodId}`);
    expect((await person.call('DELETE', path)).status).toBe(204);
    expect((await person.call('DELETE', path)).status).toBe(404);
    expect(await settingsOf(person, advertiserId)).toMatchObject({
      enabled: false,
      disabledReason: 'no_billing_method',
    });
    const { rows } = await world.pool.query(
      'SELECT sealed_billing_key AS key FROM billing_method WHERE id = $1',
      [methodId],
    );
    expect(rows).toEqual([{ key: null }]);
  });
});

describe('cards', () => {
  test('the billing key is stored sealed, the card masked; the same window registers one card', async () => {
    const { advertiserId, person, authKey } = await sellerWithCard();
    const path = pathOf(advertiserId, 'billing-methods');
    expect((await person.call('POST', path, { authKey })).status).toBe(200);
    const { items } = (await person.call<Methods>('GET', path)).body;
    expect(items).toHaveLength(1);
    expect(items[0]?.maskedCard).toContain('*');
    const { rows } = await world.pool.query<{ sealed: string }>(
      'SELECT sealed_billing_key AS sealed FROM billing_method WHERE advertiser_id = $1',
      [advertiserId],
    );
    expect(rows[0]?.sealed).toMatch(/^v1\./);
  });

  test('a provider that is away is 503, a wrong key is refused, and neither stores a card', async () => {
    const { advertiserId, person } = await world.seller();
    const path = pathOf(advertiserId, 'billing-methods');
    expect(await person.call('POST', path, { authKey: 'no-such-key' })).toMatchObject({
      status: 422,
      body: { code: 'card_not_registered' },
    });
    await world.sandbox.behaviour('payments', { failNext: 1 });
    expect(await person.call('POST', path, { authKey: 'no-such-key' })).toMatchObject({ status: 503 });
    await world.sandbox.behaviour('payments', {});
    expect((await person.call('POST', path, {})).status).toBe(400);
    expect((await person.call<Methods>('GET', path)).body.items).toEqual([]);
  });
});

describe('wrong settings', () => {
  test.each([
    ['a threshold of nothing', { thresholdKrw: 0 }, 'body.thresholdKrw'],
    ['an amount between the steps', { amountKrw: 30_500 }, 'body.amountKrw'],
    ['a cap below one top-up', { monthlyCapKrw: 20_000 }, 'body.monthlyCapKrw'],
    ['no cooldown', { cooldownMinutes: 0 }, 'body.cooldownMinutes'],
    ['half a minute', { cooldownMinutes: 0.5 }, 'body.cooldownMinutes'],
  ])('%s is refused by name and stores nothing', async (_name, change, field) => {
    const { advertiserId, person } = await sellerWithCard();
    const answer = await setUp(person, advertiserId, change);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_auto_top_up', errors: [{ field }] } });
    expect((await person.call('GET', pathOf(advertiserId, 'auto-top-up'))).status).toBe(404);
  });

  test('without a card, for another company, or while not active it is refused', async () => {
    const { advertiserId, person } = await world.seller();
    expect(await setUp(person, advertiserId)).toMatchObject({
      status: 422,
      body: { code: 'billing_method_missing' },
    });
    const rival = await world.seller();
    expect((await setUp(person, rival.advertiserId)).status).toBe(404);
    expect((await person.call('GET', pathOf(rival.advertiserId, 'billing-methods'))).status).toBe(404);
    const applied = await world.seller('applied');
    expect((await setUp(applied.person, applied.advertiserId)).status).toBe(403);
    const wrong = await person.call('PUT', pathOf(advertiserId, 'auto-top-up'), { enabled: 'yes' });
    expect(wrong.status).toBe(400);
  });
});
