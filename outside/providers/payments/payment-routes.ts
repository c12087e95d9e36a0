import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  cancelPaymentSchema,
  chargeBillingKeySchema,
  confirmPaymentSchema,
  customerKeySchema,
  issueBillingKeySchema,
  issueVirtualAccountSchema,
  orderIdSchema,
} from '../../../contracts/providers/payments.js';
import { answer, notFound, pathParameter, Refusal, read, refusals } from '../kit/answer.js';
import { requireBasicKey } from '../kit/basic-key.js';
import { type Behaviours, misbehave } from '../kit/behaviours.js';
import { BoundedMap } from '../kit/bounded-map.js';
import { cardInputSchema, toSandboxCard } from './cards.js';
import { renderPayment } from './payment.js';
import type { PaymentBook } from './payment-book.js';

const ANSWERS_KEPT = 50_000;
const MAX_KEY_LENGTH = 300;
const DAY_MS = 86_400_000;

/** `POST /payments/v1/sandbox/card-payments`: what the checkout window of the real provider does with a shopper. */
export const checkoutSchema = z.object({
  orderId: orderIdSchema,
  orderName: z.string().trim().min(1).max(100).default('광고비 충전'),
  amount: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
  /** A top-up is a tax-free document, so this shop's window is agreed to be tax free unless told otherwise. */
  taxFreeAmount: z.number().int().nonnegative().optional(),
  card: cardInputSchema.prefault({}),
});

/** `POST /payments/v1/sandbox/billing-authorisations`: the card holder agrees to later charges. */
export const billingAuthorisationSchema = z.object({
  customerKey: customerKeySchema,
  card: cardInputSchema.prefault({}),
});

const transactionsSchema = z.object({
  startDate: z.coerce.date(),
  endDate: z.coerce.date(),
  startingAfter: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(5_000).default(100),
});

export function paymentRoutes(options: {
  readonly book: PaymentBook;
  readonly behaviours: Behaviours;
  readonly secretKey: string;
  readonly log: Logger;
}): Router {
  const { book } = options;
  const router = express.Router();
  router.use('/v1/sandbox', shopperRoutes(book));
  router.use(misbehave(options.behaviours, 'payments'), requireBasicKey(options.secretKey));
  const act = idempotent();
  const payment = (req: Request) => book.byKey(pathParameter(req, 'paymentKey'));
  router.post(
    '/v1/payments/confirm',
    act((req) => renderPayment(book.confirm(read(confirmPaymentSchema, req.body)))),
  );
  router.post(
    '/v1/payments/:paymentKey/cancel',
    act((req) => renderPayment(book.cancel(payment(req), read(cancelPaymentSchema, req.body)))),
  );
  router.get(
    '/v1/payments/orders/:orderId',
    answer((req) => renderPayment(book.ofOrder(pathParameter(req, 'orderId')))),
  );
  router.get(
    '/v1/payments/:paymentKey',
    answer((req) => renderPayment(payment(req))),
  );
  router.post(
    '/v1/virtual-accounts',
    act((req) => renderPayment(book.issueVirtualAccount(read(issueVirtualAccountSchema, req.body)))),
  );
  router.post(
    '/v1/billing/authorizations/issue',
    act((req) => book.issueBillingKey(read(issueBillingKeySchema, req.body))),
  );
  router.post(
    '/v1/billing/:billingKey',
    act((req) => {
      const charge = read(chargeBillingKeySchema, req.body);
      return renderPayment(book.chargeBillingKey(pathParameter(req, 'billingKey'), charge));
    }),
  );
  router.get(
    '/v1/transactions',
    answer((req) => {
      const { startDate, endDate, startingAfter, limit } = read(transactionsSchema, req.query);
      if (endDate.getTime() - startDate.getTime() > 366 * DAY_MS)
        throw new Refusal(400, 'INVALID_DATE', '조회 기간은 1년을 넘을 수 없습니다.');
      return book.listTransactions(startDate.getTime(), endDate.getTime(), startingAfter, limit);
    }),
  );
  router.use(notFound);
  router.use(refusals(options.log, ({ code, message }) => ({ code, message })));
  return router;
}

/** No merchant key here: this is the shopper's side of the window. */
function shopperRoutes(book: PaymentBook): Router {
  const router = express.Router();
  router.post(
    '/card-payments',
    answer((req) => {
      const { card, taxFreeAmount, ...order } = read(checkoutSchema, req.body);
      const opened = book.checkOut({
        ...order,
        taxFreeAmount: taxFreeAmount ?? order.amount,
        card: toSandboxCard(card),
      });
      return { paymentKey: opened.paymentKey, orderId: opened.orderId, amount: opened.amount };
    }),
  );
  router.post(
    '/billing-authorisations',
    answer((req) => {
      const { customerKey, card } = read(billingAuthorisationSchema, req.body);
      return book.authoriseBilling(customerKey, toSandboxCard(card));
    }),
  );
  return router;
}

/**
 * `Idempotency-Key`: the same key, method and address give the first answer again, refusals included and whatever the
 * body says. Acts are synchronous, so a twin can never be under way.
 */
function idempotent(): (handle: (req: Request) => unknown) => RequestHandler {
  const answers = new BoundedMap<{ status: number; body: unknown }>(ANSWERS_KEPT);
  return (handle) => (req, res) => {
    const key = req.header('idempotency-key');
    if (key !== undefined && (key === '' || key.length > MAX_KEY_LENGTH))
      throw new Refusal(400, 'INVALID_IDEMPOTENCY_KEY', '멱등키는 300자 이하여야 합니다.');
    const name = `${req.method} ${req.originalUrl} ${key}`;
    const first = key === undefined ? undefined : answers.get(name);
    const { status, body } = first ?? outcome(() => handle(req));
    if (key !== undefined && !first) answers.set(name, { status, body });
    res.status(status).json(body);
  };
}

function outcome(run: () => unknown): { status: number; body: unknown } {
  try {
    return { status: 200, body: run() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: { code: error.code, message: error.message } };
  }
}
