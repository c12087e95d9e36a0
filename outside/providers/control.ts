import express, { type RequestHandler, type Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isBusinessNumber } from '../../domain/business-number.js';
import { type BusinessBook, businessSchema } from './business-registry.js';
import { answer, notFound, pathParameter, Refusal, read, refusals } from './kit/answer.js';
import { type Behaviours, behaviourSchema, SERVICES } from './kit/behaviours.js';
import type { WebhookSender } from './kit/webhooks.js';
import type { Mailbox } from './mailbox.js';
import type { MessageBook } from './messages.js';
import { renderPayment, type SandboxPayment } from './payments/payment.js';
import type { PaymentBook } from './payments/payment-book.js';
import type { InvoiceBook } from './tax-invoices/invoice-book.js';

export interface ControlOptions {
  readonly behaviours: Behaviours;
  readonly payments: PaymentBook;
  readonly taxInvoices: InvoiceBook;
  readonly businesses: BusinessBook;
  readonly messages: MessageBook;
  readonly mailbox: Mailbox;
  readonly webhooks: WebhookSender;
  readonly log: Logger;
}

/** One of them names a payment. */
const whichPaymentSchema = z.strictObject({
  accountNumber: z.string().min(1).optional(),
  paymentKey: z.string().min(1).optional(),
  orderId: z.string().min(1).optional(),
});
const depositSchema = whichPaymentSchema.extend({
  /** Default: the amount that the account asks for. */
  amountKrw: z.number().int().positive().optional(),
});
const toSchema = z.object({ to: z.string().optional() });
const referenceSchema = z.strictObject({ clientReferenceId: z.string().min(1) });

/** What a person at the outside does, and how the services misbehave: for demonstrations and tests. */
export function controlRoutes(options: ControlOptions): Router {
  const router = express.Router();
  router.use(requireJsonToWrite);
  addBehaviours(router, options);
  addPayments(router, options.payments);
  addRegistry(router, options.businesses);
  addTaxInvoices(router, options.taxInvoices);
  router.get(
    '/mails',
    answer((req) => {
      const { to } = read(toSchema, req.query);
      return options.mailbox.mails().filter((mail) => to === undefined || mail.to.includes(to));
    }),
  );
  router.get(
    '/messages',
    answer((req) => {
      const to = read(toSchema, req.query).to?.replaceAll('-', '');
      return options.messages.list().filter((message) => to === undefined || message.to === to);
    }),
  );
  router.get(
    '/webhooks',
    answer(() => options.webhooks.log()),
  );
  router.use(notFound);
  router.use(refusals(options.log, ({ code, message }) => ({ code, message })));
  return router;
}

function addBehaviours(router: Router, { behaviours }: ControlOptions): void {
  const service = (name: string) => read(z.enum(SERVICES), name, 'UNKNOWN_SERVICE');
  router
    .route('/behaviours/:service')
    .get(answer((req) => behaviours.of(service(pathParameter(req, 'service')))))
    .put(
      answer((req) =>
        behaviours.set(service(pathParameter(req, 'service')), read(behaviourSchema, req.body)),
      ),
    )
    .delete((req, res) => {
      behaviours.reset(service(pathParameter(req, 'service')));
      res.status(204).end();
    });
}

function addPayments(router: Router, book: PaymentBook): void {
  router.get(
    '/payments',
    answer(() => book.list().map(renderPayment)),
  );
  router.post(
    '/deposits',
    answer((req) => {
      const { amountKrw, ...which } = read(depositSchema, req.body);
      const payment = find(book, which);
      return renderPayment(book.deposit(payment, amountKrw ?? payment.amount));
    }),
  );
  router.post(
    '/deposits/reversals',
    answer((req) => renderPayment(book.reverseDeposit(find(book, read(whichPaymentSchema, req.body))))),
  );
  router.post(
    '/virtual-accounts/expiries',
    answer((req) => renderPayment(book.expire(find(book, read(whichPaymentSchema, req.body))))),
  );
}

function find(book: PaymentBook, which: z.infer<typeof whichPaymentSchema>): SandboxPayment {
  if (which.paymentKey !== undefined) return book.byKey(which.paymentKey);
  if (which.orderId !== undefined) return book.ofOrder(which.orderId);
  if (which.accountNumber !== undefined) return book.ofAccount(which.accountNumber);
  throw new Refusal(400, 'INVALID_REQUEST', 'Name paymentKey, orderId or accountNumber.');
}

function addRegistry(router: Router, book: BusinessBook): void {
  const number = (text: string) => {
    const digits = text.replaceAll('-', '');
    if (!isBusinessNumber(digits))
      throw new Refusal(400, 'INVALID_BUSINESS_NUMBER', 'Ten digits whose checksum fits.');
    return digits;
  };
  router
    .route('/businesses/:number')
    .get(answer((req) => book.status(number(pathParameter(req, 'number')))))
    .put(
      answer((req) => {
        const businessNumber = number(pathParameter(req, 'number'));
        book.set(businessNumber, read(businessSchema, req.body));
        return book.status(businessNumber);
      }),
    )
    .delete((req, res) => {
      book.remove(number(pathParameter(req, 'number')));
      res.status(204).end();
    });
}

function addTaxInvoices(router: Router, book: InvoiceBook): void {
  router.get(
    '/tax-invoices',
    answer(() => book.list()),
  );
  router.post(
    '/tax-invoices/advances',
    answer((req) => {
      const invoice = book.find(read(referenceSchema, req.body).clientReferenceId);
      book.advance(invoice);
      return invoice;
    }),
  );
}

/** Another site's page in a person's browser can send forms here, but no JSON. */
const requireJsonToWrite: RequestHandler = (req, _res, next) => {
  if (['POST', 'PUT'].includes(req.method) && !req.is('application/json'))
    throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send application/json.');
  next();
};
