import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createPaymentProvider } from './payment-provider.js';

const server = createServer((_, res) => res.writeHead(503).end());
afterEach(() => server.close());

test('an outage is told without the billing key, because messages end up in logs and histories', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const payments = createPaymentProvider({
    PAYMENT_PROVIDER_URL: `http://127.0.0.1:${port}`,
    PAYMENT_SECRET_KEY: 'test_sk_1',
  });
  const charge = payments.chargeBillingKey({
    billingKey: 'bil_secret',
    customerKey: 'ads_adv_1',
    orderId: 'top_1',
    orderName: 'x',
    amountKrw: 10_000,
    idempotencyKey: 'k',
  });
  const error: unknown = await charge.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'ProviderUnavailable', reason: 'status' });
  expect(String(error)).toContain('answered 503');
  expect(String(error)).not.toContain('bil_secret');
});
