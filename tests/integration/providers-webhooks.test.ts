import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { paymentWebhookSchema } from '../../contracts/providers/payments.js';
import { taxInvoiceWebhookSchema } from '../../contracts/providers/tax-invoices.js';
import { createPaymentProvider, type PaymentProvider } from '../../infra/payment-provider.js';
import { createTaxInvoiceProvider } from '../../infra/tax-invoice-provider.js';
import { verifyWebhook } from '../../infra/webhook-signature.js';
import { poll } from '../support/poll.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let sandbox: TestSandbox;
let payments: PaymentProvider;
let receiver: Server;
let received: Received[] = [];
/** So many deliveries are answered with 500. */
let failures = 0;

beforeAll(async () => {
  receiver = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8');
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      received.push({ path: req.url ?? '', headers: req.headers, body });
      failures -= 1;
      res.writeHead(failures >= 0 ? 500 : 200).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  sandbox = await startSandbox({ consoleUrl: `http://127.0.0.1:${port}` });
  payments = createPaymentProvider(sandbox.config);
});
afterEach(async () => {
  await sandbox.behaviour('payments', {});
  failures = 0;
  received = [];
});
afterAll(async () => {
  await sandbox.stop();
  await new Promise((resolve) => receiver.close(resolve));
});

const about = (orderId: string) => received.filter(({ body }) => body.includes(orderId));
const arrived = (orderId: string, count: number) =>
  poll(`${count} webhooks about ${orderId}`, async () => {
    const all = about(orderId);
    return all.length >= count ? all : null;
  });
const statusOf = ({ body }: Received) => paymentWebhookSchema.parse(JSON.parse(body)).data.status;
const secretOf = () => sandbox.config.PAYMENT_WEBHOOK_SECRET;

async function pay(orderId = `order_${randomUUID()}`) {
  const { paymentKey } = await sandbox.payByCard({ orderId, amountKrw: 10_000 });
  await payments.confirmPayment({ paymentKey, orderId, amountKrw: 10_000, idempotencyKey: orderId });
  return { orderId, paymentKey };
}

const newAccount = (orderId: string) =>
  payments.issueVirtualAccount({
    orderId,
    orderName: '광고비 충전',
    customerName: '가온상사',
    bankCode: '88',
    amountKrw: 20_000,
    validHours: 1,
    idempotencyKey: orderId,
  });

describe('the sandbox', () => {
  it('tells of each payment with a signature that counts', async () => {
    const { orderId } = await pay();
    const [webhook] = await arrived(orderId, 1);
    if (!webhook) throw new Error('none');
    expect(webhook.path).toBe('/v1/webhooks/payments');
    expect(statusOf(webhook)).toBe('DONE');
    expect(verifyWebhook(secretOf(), webhook.headers, Buffer.from(webhook.body))).toEqual({
      ok: true,
      value: { webhookId: webhook.headers['webhook-id'] },
    });
  });

  it('tells of a deposit with the secret of its payment, and of its reversal', async () => {
    const orderId = `order_${randomUUID()}`;
    const issued = await newAccount(orderId);
    await arrived(orderId, 1);
    await sandbox.deposit({ orderId });
    await arrived(orderId, 3);
    await sandbox.reverseDeposit({ orderId });
    const all = (await arrived(orderId, 5)).map(({ body }) => paymentWebhookSchema.parse(JSON.parse(body)));
    const deposits = all.filter((webhook) => webhook.eventType === 'DEPOSIT_CALLBACK');
    const secret = issued.ok ? issued.value.secret : null;
    expect(deposits.map(({ data }) => [data.status, data.secret])).toEqual([
      ['DONE', secret],
      ['WAITING_FOR_DEPOSIT', secret],
    ]);
  });

  it('repeats what was not taken, under the same id', async () => {
    failures = 2;
    const { orderId } = await pay();
    const all = await arrived(orderId, 3);
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('comes twice on demand', async () => {
    await sandbox.behaviour('payments', { repeatWebhooks: 1 });
    const { orderId } = await pay();
    const all = await arrived(orderId, 2);
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('comes out of order on demand', async () => {
    const orderId = `order_${randomUUID()}`;
    const issued = await newAccount(orderId);
    const paymentKey = issued.ok ? issued.value.paymentKey : '';
    await arrived(orderId, 1);
    await sandbox.behaviour('payments', { outOfOrderWebhooks: true });
    await sandbox.expireVirtualAccount({ paymentKey });
    await pay(orderId);
    const [, second, third] = await arrived(orderId, 3);
    expect([second, third].map((webhook) => webhook && statusOf(webhook))).toEqual(['DONE', 'EXPIRED']);
  });

  it('tells of each step of a tax invoice at its own address', async () => {
    const party = (businessNumber: string) => ({
      businessNumber,
      name: '가온상사',
      representative: '김대표',
      address: '',
      businessType: '',
      businessItem: '',
      email: 'tax@sellers.example',
    });
    const clientReferenceId = `inv-${randomUUID()}`;
    await createTaxInvoiceProvider(sandbox.config).issue({
      clientReferenceId,
      writeDate: '2026-10-31',
      purpose: 'RECEIPT',
      supplier: party('1248100998'),
      supplied: party('2208162517'),
      items: [{ date: '2026-10-31', name: '광고비', supplyAmountKrw: 10_000, taxAmountKrw: 1_000 }],
      description: '',
    });
    const all = await arrived(clientReferenceId, 3);
    expect(all.map(({ path }) => path)).toEqual(Array(3).fill('/v1/webhooks/tax-invoices'));
    const states = all.map(({ body }) => taxInvoiceWebhookSchema.parse(JSON.parse(body)).data.state);
    expect(states).toEqual(['ISSUED', 'NTS_PENDING', 'NTS_ACCEPTED']);
    const [first] = all;
    const secret = sandbox.config.TAX_INVOICE_WEBHOOK_SECRET;
    expect(first && verifyWebhook(secret, first.headers, first.body)).toMatchObject({ ok: true });
  });
});

describe('a signature', () => {
  const body = '{"eventType":"PAYMENT_STATUS_CHANGED"}';
  const signed = (secret: string, at: Date, of = body) => ({
    'webhook-id': 'whk_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign('whk_1', at, of),
  });
  const refused = { ok: false, error: { code: 'invalid_webhook_signature' } };
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

  it('counts for the bytes, the id and the time that were signed', () => {
    const headers = signed(secretOf(), new Date());
    expect(verifyWebhook(secretOf(), headers, body)).toEqual({ ok: true, value: { webhookId: 'whk_1' } });
    expect(verifyWebhook(secretOf(), headers, body.replace('STATUS', 'STATE'))).toMatchObject(refused);
    expect(verifyWebhook(secretOf(), { ...headers, 'webhook-id': 'whk_2' }, body)).toMatchObject(refused);
    const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) };
    expect(verifyWebhook(secretOf(), later, body)).toMatchObject(refused);
  });

  it('of another secret, or too old, or of the future, does not count', () => {
    const other = `whsec_${Buffer.from('another-secret-of-some-length').toString('base64')}`;
    expect(verifyWebhook(secretOf(), signed(other, new Date()), body)).toMatchObject(refused);
    expect(verifyWebhook(secretOf(), signed(secretOf(), minutesAgo(6)), body)).toMatchObject(refused);
    expect(verifyWebhook(secretOf(), signed(secretOf(), minutesAgo(-6)), body)).toMatchObject(refused);
    expect(verifyWebhook(secretOf(), signed(secretOf(), minutesAgo(4)), body)).toMatchObject({ ok: true });
  });

  it('is refused when a header is missing, given twice, or no signature at all', () => {
    const headers = signed(secretOf(), new Date());
    for (const name of Object.keys(headers)) {
      expect(verifyWebhook(secretOf(), { ...headers, [name]: undefined }, body)).toMatchObject(refused);
      expect(verifyWebhook(secretOf(), { ...headers, [name]: ['a', 'b'] }, body)).toMatchObject(refused);
    }
    for (const signature of ['v1', 'v1,', 'v2,abc', 'nonsense'])
      expect(verifyWebhook(secretOf(), { ...headers, 'webhook-signature': signature }, body)).toMatchObject(
        refused,
      );
    expect(verifyWebhook(secretOf(), { ...headers, 'webhook-timestamp': 'now' }, body)).toMatchObject(
      refused,
    );
  });
});
