import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPaymentProvider, type PaymentProvider } from '../../infra/payment-provider.js';
import { basicAuthorization, ProviderUnavailable } from '../../infra/provider-http.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let payments: PaymentProvider;

beforeAll(async () => {
  sandbox = await startSandbox();
  payments = createPaymentProvider(sandbox.config);
});
afterEach(() => sandbox.behaviour('payments', {}));
afterAll(() => sandbox.stop());

const newOrder = () => `order_${randomUUID()}`;
const newKey = () => randomUUID();
const refusedAs = (code: string) => ({ ok: false, error: { code } });

async function checkOut(amountKrw: number, cardNumber?: string) {
  const orderId = newOrder();
  const { paymentKey } = await sandbox.payByCard({
    orderId,
    amountKrw,
    ...(cardNumber ? { cardNumber } : {}),
  });
  return { orderId, paymentKey, amountKrw, idempotencyKey: newKey() };
}

const accountOrder = (amountKrw: number) => ({
  orderId: newOrder(),
  orderName: '광고비 충전',
  customerName: '가온상사',
  bankCode: '20',
  amountKrw,
  validHours: 24,
  idempotencyKey: newKey(),
});

async function newBillingKey(cardNumber?: string) {
  const customerKey = `customer-${randomUUID()}`;
  const { authKey } = await sandbox.authoriseBilling({ customerKey, ...(cardNumber ? { cardNumber } : {}) });
  const issued = await payments.issueBillingKey({ authKey, customerKey });
  if (!issued.ok) throw new Error(issued.error.message);
  return { customerKey, authKey, billingKey: issued.value.billingKey };
}

describe('card payments', () => {
  it('takes the money that the shopper agreed to, as a tax-free document, and finds it by key and by order', async () => {
    const checkout = await checkOut(110_000);
    const confirmed = await payments.confirmPayment(checkout);
    expect(confirmed).toMatchObject({
      ok: true,
      value: {
        status: 'DONE',
        method: 'card',
        totalAmountKrw: 110_000,
        taxFreeAmountKrw: 110_000,
        cancelledKrw: 0,
      },
    });
    expect(await payments.readPayment(checkout.paymentKey)).toEqual(confirmed);
    expect(await payments.readPaymentByOrder(checkout.orderId)).toEqual(confirmed);
  });

  it('never takes another amount than the shopper saw, or another order', async () => {
    const checkout = await checkOut(50_000);
    const other = { ...checkout, amountKrw: 49_999 };
    expect(await payments.confirmPayment(other)).toMatchObject(refusedAs('invalid_request'));
    const otherOrder = { ...checkout, orderId: newOrder(), idempotencyKey: newKey() };
    expect(await payments.confirmPayment(otherOrder)).toMatchObject(refusedAs('invalid_request'));
    const unchanged = await payments.readPayment(checkout.paymentKey);
    expect(unchanged).toMatchObject({ ok: true, value: { status: 'IN_PROGRESS', approvedAt: null } });
  });

  it('a repeat with the same key gives the first answer; with another key it is already processed', async () => {
    const checkout = await checkOut(70_000);
    const first = await payments.confirmPayment(checkout);
    expect(await payments.confirmPayment(checkout)).toEqual(first);
    const again = { ...checkout, idempotencyKey: newKey() };
    expect(await payments.confirmPayment(again)).toMatchObject(refusedAs('already_processed_payment'));
  });

  it('an order is paid once, whichever of its checkouts comes first', async () => {
    const one = await checkOut(30_000);
    const { paymentKey } = await sandbox.payByCard({ orderId: one.orderId, amountKrw: 30_000 });
    expect(await payments.confirmPayment(one)).toMatchObject({ ok: true });
    const two = { ...one, paymentKey, idempotencyKey: newKey() };
    expect(await payments.confirmPayment(two)).toMatchObject(refusedAs('duplicated_order_id'));
    const found = await payments.readPaymentByOrder(one.orderId);
    expect(found).toMatchObject({ ok: true, value: { paymentKey: one.paymentKey, status: 'DONE' } });
  });

  it('a card without cover is refused by its company, and the payment is over', async () => {
    const checkout = await checkOut(20_000, '4330-1234-5678-0001');
    expect(await payments.confirmPayment(checkout)).toMatchObject(refusedAs('reject_card_payment'));
    expect(await payments.readPayment(checkout.paymentKey)).toMatchObject({
      ok: true,
      value: { status: 'ABORTED' },
    });
  });

  it('what does not exist is a refusal, not an outage', async () => {
    expect(await payments.readPayment('no-such-key')).toMatchObject(refusedAs('not_found_payment'));
    expect(await payments.readPaymentByOrder('order_unknown')).toMatchObject(refusedAs('not_found_payment'));
  });
});

describe('cancellation', () => {
  it('gives back parts until nothing is left, and not a won more', async () => {
    const checkout = await checkOut(100_000);
    await payments.confirmPayment(checkout);
    const cancel = (amountKrw: number | null) => ({
      paymentKey: checkout.paymentKey,
      reason: '환불 요청',
      amountKrw,
      refundAccount: null,
      idempotencyKey: newKey(),
    });
    const part = cancel(30_000);
    const partly = {
      ok: true,
      value: { status: 'PARTIAL_CANCELED', cancelledKrw: 30_000, taxFreeAmountKrw: 100_000 },
    };
    expect(await payments.cancelPayment(part)).toMatchObject(partly);
    expect(await payments.cancelPayment(part)).toMatchObject(partly);
    expect(await payments.cancelPayment(cancel(70_001))).toMatchObject(refusedAs('not_cancelable_amount'));
    const rest = await payments.cancelPayment(cancel(null));
    expect(rest).toMatchObject({ ok: true, value: { status: 'CANCELED', cancelledKrw: 100_000 } });
    expect(await payments.cancelPayment(cancel(null))).toMatchObject(refusedAs('already_canceled_payment'));
  });

  it('a paid virtual account is refunded to an account of the payer only', async () => {
    const issued = await payments.issueVirtualAccount(accountOrder(80_000));
    if (!issued.ok) throw new Error(issued.error.message);
    const { paymentKey } = issued.value;
    await sandbox.deposit({ paymentKey });
    const cancel = { paymentKey, reason: '환불 요청', amountKrw: 10_000 };
    const without = await payments.cancelPayment({
      ...cancel,
      refundAccount: null,
      idempotencyKey: newKey(),
    });
    expect(without).toMatchObject(refusedAs('invalid_refund_account_info'));
    const account = (bank: string) => ({ bank, accountNumber: '1002123456789', holderName: '가온상사' });
    const unknown = { ...cancel, refundAccount: account('999'), idempotencyKey: newKey() };
    expect(await payments.cancelPayment(unknown)).toMatchObject(refusedAs('invalid_bank'));
    const right = { ...cancel, refundAccount: account('신한은행'), idempotencyKey: newKey() };
    expect(await payments.cancelPayment(right)).toMatchObject({ ok: true, value: { cancelledKrw: 10_000 } });
  });
});

describe('virtual accounts', () => {
  it('wait for the exact deposit, which the bank may take back', async () => {
    const issued = await payments.issueVirtualAccount(accountOrder(60_000));
    if (!issued.ok) throw new Error(issued.error.message);
    const { paymentKey, virtualAccount } = issued.value;
    expect(issued.value).toMatchObject({
      status: 'WAITING_FOR_DEPOSIT',
      method: 'virtual_account',
      approvedAt: null,
    });
    expect(virtualAccount?.dueAt).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    const accountNumber = virtualAccount?.accountNumber ?? '';
    await expect(sandbox.deposit({ accountNumber }, 59_999)).rejects.toThrow('WRONG_DEPOSIT_AMOUNT');
    await sandbox.deposit({ accountNumber });
    expect(await payments.readPayment(paymentKey)).toMatchObject({ ok: true, value: { status: 'DONE' } });
    await sandbox.reverseDeposit({ paymentKey });
    const reversed = { ok: true, value: { status: 'WAITING_FOR_DEPOSIT', approvedAt: null } };
    expect(await payments.readPayment(paymentKey)).toMatchObject(reversed);
  });

  it('expire, and then take nothing', async () => {
    const issued = await payments.issueVirtualAccount(accountOrder(60_000));
    if (!issued.ok) throw new Error(issued.error.message);
    const { paymentKey } = issued.value;
    await sandbox.expireVirtualAccount({ paymentKey });
    await expect(sandbox.deposit({ paymentKey })).rejects.toThrow('ACCOUNT_CLOSED');
    expect(await payments.readPayment(paymentKey)).toMatchObject({ ok: true, value: { status: 'EXPIRED' } });
  });

  it('are refused with an unknown bank or a bad order number', async () => {
    const order = accountOrder(60_000);
    const unknownBank = { ...order, bankCode: 'nobank' };
    expect(await payments.issueVirtualAccount(unknownBank)).toMatchObject(refusedAs('invalid_bank'));
    const badOrder = { ...order, orderId: '한글 주문', idempotencyKey: newKey() };
    expect(await payments.issueVirtualAccount(badOrder)).toMatchObject(refusedAs('invalid_request'));
  });
});

describe('billing keys', () => {
  it('charge the card again and again, each order once', async () => {
    const { billingKey, customerKey } = await newBillingKey();
    const charge = () => ({
      billingKey,
      customerKey,
      orderId: newOrder(),
      orderName: '자동 충전',
      amountKrw: 200_000,
      idempotencyKey: newKey(),
    });
    const first = charge();
    const paid = await payments.chargeBillingKey(first);
    expect(paid).toMatchObject({
      ok: true,
      value: { status: 'DONE', method: 'billing', taxFreeAmountKrw: 200_000 },
    });
    expect(await payments.chargeBillingKey(first)).toEqual(paid);
    const twice = { ...first, idempotencyKey: newKey() };
    expect(await payments.chargeBillingKey(twice)).toMatchObject(refusedAs('duplicated_order_id'));
    expect(await payments.chargeBillingKey(charge())).toMatchObject({ ok: true });
  });

  it('belong to one customer, and an authorisation counts once', async () => {
    const { billingKey, authKey, customerKey } = await newBillingKey();
    const again = await payments.issueBillingKey({ authKey, customerKey });
    expect(again).toMatchObject(refusedAs('invalid_authorize_auth'));
    const other = await payments.chargeBillingKey({
      billingKey,
      customerKey: 'another-customer',
      orderId: newOrder(),
      orderName: '자동 충전',
      amountKrw: 1_000,
      idempotencyKey: newKey(),
    });
    expect(other).toMatchObject(refusedAs('not_matches_customer_key'));
  });

  it('a stopped card is refused at each charge', async () => {
    const { billingKey, customerKey } = await newBillingKey('5330-1234-5678-0003');
    const charge = { billingKey, customerKey, orderName: '자동 충전', amountKrw: 10_000 };
    for (let time = 0; time < 2; time += 1) {
      const refused = await payments.chargeBillingKey({
        ...charge,
        orderId: newOrder(),
        idempotencyKey: newKey(),
      });
      expect(refused).toMatchObject(refusedAs('invalid_stopped_card'));
    }
  });
});

it('every movement of money is listed, for reconciliation', async () => {
  const checkout = await checkOut(90_000);
  await payments.confirmPayment(checkout);
  const cancel = { reason: '환불 요청', amountKrw: 15_000, refundAccount: null, idempotencyKey: newKey() };
  await payments.cancelPayment({ paymentKey: checkout.paymentKey, ...cancel });
  const day = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();
  const query = new URLSearchParams({ startDate: day(-3_600_000), endDate: day(60_000), limit: '5000' });
  const response = await fetch(`${sandbox.config.PAYMENT_PROVIDER_URL}/v1/transactions?${query}`, {
    headers: { authorization: basicAuthorization(sandbox.config.PAYMENT_SECRET_KEY) },
  });
  const lines: unknown = await response.json();
  const own = Array.isArray(lines) ? lines.filter((line) => line.orderId === checkout.orderId) : [];
  expect(own.map(({ status, amount }) => [status, amount])).toEqual([
    ['DONE', 90_000],
    ['PARTIAL_CANCELED', -15_000],
  ]);
});

describe('outages', () => {
  const outage = (reason: string) => expect.objectContaining({ name: 'ProviderUnavailable', reason });

  it('a failing provider is an outage, and the repeat succeeds', async () => {
    const checkout = await checkOut(40_000);
    await sandbox.behaviour('payments', { failNext: 1, failStatus: 500 });
    await expect(payments.confirmPayment(checkout)).rejects.toBeInstanceOf(ProviderUnavailable);
    expect(await payments.confirmPayment(checkout)).toMatchObject({ ok: true, value: { status: 'DONE' } });
  });

  it('an answer that is lost after the act is found again by the same key: money moves once', async () => {
    const checkout = await checkOut(40_000);
    await sandbox.behaviour('payments', { dropConnectionNext: 1 });
    await expect(payments.confirmPayment(checkout)).rejects.toEqual(outage('network'));
    expect(await payments.confirmPayment(checkout)).toMatchObject({ ok: true, value: { status: 'DONE' } });
  });

  it('no caller waits longer than five seconds', async () => {
    const checkout = await checkOut(40_000);
    await sandbox.behaviour('payments', { delayMs: 6_000 });
    await expect(payments.confirmPayment(checkout)).rejects.toEqual(outage('timeout'));
  });

  it('a wrong key, a closed port and an unreadable answer are outages that say why, without the key', async () => {
    const wrongKey = createPaymentProvider({ ...sandbox.config, PAYMENT_SECRET_KEY: 'wrong-secret-key' });
    const refused = await wrongKey.readPayment('any').catch((error: unknown) => error);
    expect(refused).toEqual(outage('credentials'));
    expect(String(refused)).not.toContain('wrong-secret-key');
    const nobody = createPaymentProvider({
      ...sandbox.config,
      PAYMENT_PROVIDER_URL: 'http://127.0.0.1:9/payments',
    });
    await expect(nobody.readPayment('any')).rejects.toEqual(outage('network'));
    const talker = createServer((_req, res) => res.end('{"hello":"there"}')).listen(0, '127.0.0.1');
    const { port } = await new Promise<AddressInfo>((resolve) =>
      talker.once('listening', () => resolve(talker.address() as AddressInfo)),
    );
    const odd = createPaymentProvider({
      ...sandbox.config,
      PAYMENT_PROVIDER_URL: `http://127.0.0.1:${port}`,
    });
    await expect(odd.readPayment('any')).rejects.toEqual(outage('unreadable'));
    await new Promise((resolve) => talker.close(resolve));
  });

  it('a key that cannot be sent is a bug, not an outage to wait for', async () => {
    const checkout = { ...(await checkOut(40_000)), idempotencyKey: '한글 열쇠' };
    await expect(payments.confirmPayment(checkout)).rejects.toBeInstanceOf(TypeError);
  });

  it('refuses on demand, so often as asked', async () => {
    await sandbox.behaviour('payments', {
      rejectNext: { code: 'EXCEED_MAX_DAILY_PAYMENT_COUNT', message: '초과', times: 1 },
    });
    const checkout = await checkOut(40_000);
    expect(await payments.confirmPayment(checkout)).toMatchObject(
      refusedAs('exceed_max_daily_payment_count'),
    );
    const next = await checkOut(40_000);
    expect(await payments.confirmPayment(next)).toMatchObject({ ok: true });
  });
});
