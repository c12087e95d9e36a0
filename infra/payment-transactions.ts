import type { z } from 'zod';
import { paymentTransactionsSchema } from '../contracts/providers/payment-transactions.js';
import { err, ok, type Result } from '../domain/result.js';
import type { Config } from './config.js';
import { basicAuthorization, callProvider } from './provider-http.js';

export interface PaymentTransaction {
  readonly orderId: string;
  /** Real time, epoch milliseconds. */
  readonly at: number;
  /** Positive: paid; negative: cancelled or taken back. */
  readonly amountKrw: number;
}

const PAGE_SIZE = 1_000;
const MAX_PAGES = 50;

/** Every movement of money at the payment provider in `[fromMs, toMs)`, the oldest first. */
export async function listPaymentTransactions(
  config: Pick<Config, 'PAYMENT_PROVIDER_URL' | 'PAYMENT_SECRET_KEY'>,
  fromMs: number,
  toMs: number,
): Promise<Result<PaymentTransaction[]>> {
  const all: PaymentTransaction[] = [];
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query: URLSearchParams = new URLSearchParams({
      startDate: new Date(fromMs).toISOString(),
      endDate: new Date(toMs).toISOString(),
      limit: String(PAGE_SIZE),
      ...(after === null ? {} : { startingAfter: after }),
    });
    const answer: Result<z.output<typeof paymentTransactionsSchema>> = await callProvider({
      provider: 'payments',
      method: 'GET',
      url: `${config.PAYMENT_PROVIDER_URL}/v1/transactions?${query}`,
      headers: { authorization: basicAuthorization(config.PAYMENT_SECRET_KEY) },
      answer: paymentTransactionsSchema,
    });
    if (!answer.ok) return answer;
    for (const { orderId, transactionAt, amount } of answer.value)
      all.push({ orderId, at: Date.parse(transactionAt), amountKrw: amount });
    after = answer.value.at(-1)?.transactionKey ?? null;
    if (answer.value.length < PAGE_SIZE) return ok(all);
  }
  return err({
    code: 'too_many_transactions',
    message: `More than ${PAGE_SIZE * MAX_PAGES} payments: they cannot be compared in one request.`,
  });
}
