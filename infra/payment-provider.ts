import type { z } from 'zod';
import {
  billingKeySchema,
  type PaymentStatus,
  type ProviderPayment,
  paymentSchema,
} from '../contracts/providers/payments.js';
import { err, ok, type Result } from '../domain/result.js';
import type { Config } from './config.js';
import { basicAuthorization, callProvider } from './provider-http.js';

export interface Payment {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly status: PaymentStatus;
  readonly method: 'card' | 'virtual_account' | 'billing';
  readonly totalAmountKrw: number;
  readonly taxFreeAmountKrw: number;
  readonly cancelledKrw: number;
  /** Real time, epoch milliseconds. */
  readonly approvedAt: number | null;
  /** Repeated by the provider in its deposit webhook. */
  readonly secret: string | null;
  readonly virtualAccount: VirtualAccount | null;
  readonly card: Card | null;
}

export interface VirtualAccount {
  readonly bankCode: string;
  readonly accountNumber: string;
  readonly customerName: string;
  /** Epoch milliseconds; a deposit after this is refused by the bank. */
  readonly dueAt: number;
}

export interface Card {
  readonly issuer: string;
  readonly maskedNumber: string;
}

/**
 * Refusals are Results with the provider's code in lower case; outages throw `ProviderUnavailable`. Idempotency keys
 * count per method and address for 15 days: the same key always gives the first answer, whatever the body says.
 * Every payment is a tax-free document: a top-up is an advance, its tax invoice follows the consumption.
 */
export interface PaymentProvider {
  /** Takes the money of a payment that the shopper agreed to in the checkout window. Compare the amount before. */
  confirmPayment(i: {
    paymentKey: string;
    orderId: string;
    amountKrw: number;
    idempotencyKey: string;
  }): Promise<Result<Payment>>;
  issueVirtualAccount(i: {
    orderId: string;
    orderName: string;
    customerName: string;
    bankCode: string;
    amountKrw: number;
    validHours: number;
    idempotencyKey: string;
  }): Promise<Result<Payment>>;
  readPayment(paymentKey: string): Promise<Result<Payment>>;
  /** The newest payment of the order. */
  readPaymentByOrder(orderId: string): Promise<Result<Payment>>;
  /** An `authKey` counts once. The billing key charges the card without its owner: encrypt it at rest. */
  issueBillingKey(i: {
    authKey: string;
    customerKey: string;
  }): Promise<Result<{ billingKey: string; card: Card }>>;
  chargeBillingKey(i: {
    billingKey: string;
    customerKey: string;
    orderId: string;
    orderName: string;
    amountKrw: number;
    idempotencyKey: string;
  }): Promise<Result<Payment>>;
  /** `amountKrw` null: all that is left. A paid virtual account needs `refundAccount`. */
  cancelPayment(i: {
    paymentKey: string;
    reason: string;
    amountKrw: number | null;
    refundAccount: { bank: string; accountNumber: string; holderName: string } | null;
    idempotencyKey: string;
  }): Promise<Result<Payment>>;
}

export function createPaymentProvider(
  config: Pick<Config, 'PAYMENT_PROVIDER_URL' | 'PAYMENT_SECRET_KEY'>,
): PaymentProvider {
  const get = (path: string) => call(config, 'GET', path, paymentSchema);
  const post = (path: string, body: unknown, idempotencyKey: string) =>
    call(config, 'POST', path, paymentSchema, body, idempotencyKey);
  const key = encodeURIComponent;
  return {
    confirmPayment: async ({ paymentKey, orderId, amountKrw, idempotencyKey }) =>
      toPayment(
        await post('/v1/payments/confirm', { paymentKey, orderId, amount: amountKrw }, idempotencyKey),
      ),
    issueVirtualAccount: async ({ amountKrw, bankCode, idempotencyKey, ...rest }) =>
      toPayment(
        await post(
          '/v1/virtual-accounts',
          { ...rest, ...taxFree(amountKrw), bank: bankCode },
          idempotencyKey,
        ),
      ),
    readPayment: async (paymentKey) => toPayment(await get(`/v1/payments/${key(paymentKey)}`)),
    readPaymentByOrder: async (orderId) => toPayment(await get(`/v1/payments/orders/${key(orderId)}`)),
    issueBillingKey: async (input) => {
      const issued = await call(config, 'POST', '/v1/billing/authorizations/issue', billingKeySchema, input);
      if (!issued.ok) return issued;
      const { billingKey, card } = issued.value;
      return ok({ billingKey, card: toCard(card) });
    },
    chargeBillingKey: async ({ billingKey, amountKrw, idempotencyKey, ...rest }) =>
      toPayment(
        await call(
          config,
          'POST',
          `/v1/billing/${key(billingKey)}`,
          paymentSchema,
          { ...rest, ...taxFree(amountKrw) },
          idempotencyKey,
          '/v1/billing/(key)',
        ),
      ),
    cancelPayment: async ({ paymentKey, reason, amountKrw, refundAccount, idempotencyKey }) => {
      const body = {
        cancelReason: reason,
        ...(amountKrw === null ? {} : { cancelAmount: amountKrw, taxFreeAmount: amountKrw }),
        ...(refundAccount === null ? {} : { refundReceiveAccount: refundAccount }),
      };
      return toPayment(await post(`/v1/payments/${key(paymentKey)}/cancel`, body, idempotencyKey));
    },
  };
}

const taxFree = (amountKrw: number) => ({ amount: amountKrw, taxFreeAmount: amountKrw });

function call<T>(
  config: Pick<Config, 'PAYMENT_PROVIDER_URL' | 'PAYMENT_SECRET_KEY'>,
  method: 'GET' | 'POST',
  path: string,
  answer: z.ZodType<T>,
  body?: unknown,
  idempotencyKey?: string,
  shownPath?: string,
): Promise<Result<T>> {
  return callProvider({
    provider: 'payments',
    method,
    url: config.PAYMENT_PROVIDER_URL + path,
    headers: {
      authorization: basicAuthorization(config.PAYMENT_SECRET_KEY),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    answer,
    ...(shownPath === undefined ? {} : { shownPath }),
    ...(body === undefined ? {} : { body }),
  });
}

const CARD_METHOD = '카드';
const VIRTUAL_ACCOUNT_METHOD = '가상계좌';

function toPayment(answer: Result<ProviderPayment>): Result<Payment> {
  if (!answer.ok) return answer;
  const payment = answer.value;
  const method = methodOf(payment);
  if (method === null)
    return err({
      code: 'unknown_payment_method',
      message: `The method ${payment.method} is not one of ours.`,
    });
  const { virtualAccount } = payment;
  return ok({
    paymentKey: payment.paymentKey,
    orderId: payment.orderId,
    status: payment.status,
    method,
    totalAmountKrw: payment.totalAmount,
    taxFreeAmountKrw: payment.taxFreeAmount,
    cancelledKrw: (payment.cancels ?? []).reduce((sum, cancel) => sum + cancel.cancelAmount, 0),
    approvedAt: payment.approvedAt === null ? null : Date.parse(payment.approvedAt),
    secret: payment.secret,
    virtualAccount: virtualAccount && {
      bankCode: virtualAccount.bankCode,
      accountNumber: virtualAccount.accountNumber,
      customerName: virtualAccount.customerName,
      dueAt: Date.parse(virtualAccount.dueDate),
    },
    card: payment.card && toCard(payment.card),
  });
}

function methodOf({ type, method }: ProviderPayment): Payment['method'] | null {
  if (type === 'BILLING') return 'billing';
  if (method === CARD_METHOD) return 'card';
  return method === VIRTUAL_ACCOUNT_METHOD ? 'virtual_account' : null;
}

const toCard = (card: { issuerCode: string; number: string }): Card => ({
  issuer: card.issuerCode,
  maskedNumber: card.number,
});
