import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Logger } from 'pino';
import { BusinessBook, businessRegistryRoutes } from './business-registry.js';
import { controlRoutes } from './control.js';
import { Refusal, refusals } from './kit/answer.js';
import { Behaviours } from './kit/behaviours.js';
import { WebhookSender } from './kit/webhooks.js';
import { startMailbox } from './mailbox.js';
import { mailboxPage } from './mailbox-page.js';
import { MessageBook, messageRoutes } from './messages.js';
import { checkoutPages } from './payments/checkout-page.js';
import { PaymentBook } from './payments/payment-book.js';
import { paymentRoutes } from './payments/payment-routes.js';
import { InvoiceBook } from './tax-invoices/invoice-book.js';
import { taxInvoiceRoutes } from './tax-invoices/invoice-routes.js';

export interface ProvidersOptions {
  readonly host: string;
  /** 0 takes any free port; the same for `smtpPort`. */
  readonly port: number;
  readonly smtpPort: number;
  /** Where webhooks go, and the only site that the checkout window returns to besides this machine's. */
  readonly consoleUrl: string;
  readonly payments: { readonly secretKey: string; readonly webhookSecret: string };
  readonly taxInvoices: { readonly apiKey: string; readonly webhookSecret: string };
  readonly businessRegistry: { readonly serviceKey: string };
  readonly messages: { readonly apiKey: string; readonly apiSecret: string };
  readonly log: Logger;
  /** Unit of the webhooks' retries (1, 4, 16, … of it). */
  readonly webhookRetryBaseMs?: number;
  /** Time between two states of a tax invoice. */
  readonly taxInvoiceStepMs?: number;
}

export interface RunningProviders {
  readonly url: string;
  readonly smtpUrl: string;
  /** Sends webhooks to another console from now on. */
  useConsole(url: string): void;
  stop(): Promise<void>;
}

const EXPIRY_SWEEP_MS = 1_000;
/** A bulk of 100 documents with 99 items each is about 1.5 MB. */
const MAX_BODY = '4mb';

/** All outside services of the ad system in one HTTP server and one mail server. State is memory: a restart forgets. */
export async function startProviders(options: ProvidersOptions): Promise<RunningProviders> {
  const { host, log } = options;
  const behaviours = new Behaviours();
  const webhooks = new WebhookSender({
    consoleUrl: options.consoleUrl,
    behaviours,
    log,
    retryBaseMs: options.webhookRetryBaseMs ?? 1_000,
  });
  const payments = new PaymentBook(behaviours, (event) =>
    webhooks.send('payments', '/v1/webhooks/payments', options.payments.webhookSecret, event),
  );
  const taxInvoices = new InvoiceBook({
    behaviours,
    stepMs: options.taxInvoiceStepMs ?? 1_000,
    tell: (event) =>
      webhooks.send('tax-invoices', '/v1/webhooks/tax-invoices', options.taxInvoices.webhookSecret, event),
  });
  const businesses = new BusinessBook();
  const messages = new MessageBook(behaviours);
  const mailbox = await startMailbox({ host, port: options.smtpPort, behaviours, log });

  const app = express();
  app.disable('x-powered-by');
  app.use('/payments', checkoutPages({ book: payments, consoleUrl: options.consoleUrl }));
  app.use(express.json({ limit: MAX_BODY }));
  app.use('/payments', paymentRoutes({ book: payments, behaviours, log, ...options.payments }));
  app.use('/tax-invoices', taxInvoiceRoutes({ book: taxInvoices, behaviours, log, ...options.taxInvoices }));
  app.use(
    '/business-registry',
    businessRegistryRoutes({ book: businesses, behaviours, log, ...options.businessRegistry }),
  );
  app.use('/messages', messageRoutes({ book: messages, behaviours, log, ...options.messages }));
  app.use(
    '/sandbox',
    controlRoutes({ behaviours, payments, taxInvoices, businesses, messages, mailbox, webhooks, log }),
  );
  app.get('/mailbox', mailboxPage(mailbox, messages));
  app.use(() => {
    throw new Refusal(404, 'NOT_FOUND', 'No such address: see outside/providers/README.md.');
  });
  app.use(refusals(log, ({ code, message }) => ({ code, message })));

  const server = createServer(app);
  const url = await listen(server, host, options.port);
  const sweep = setInterval(() => payments.expireDue(), EXPIRY_SWEEP_MS);
  sweep.unref();
  return {
    url,
    smtpUrl: mailbox.url,
    useConsole: (consoleUrl) => webhooks.useConsole(consoleUrl),
    stop: async () => {
      clearInterval(sweep);
      webhooks.stop();
      taxInvoices.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, mailbox.stop()]);
    },
  };
}

async function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return `http://${host}:${address.port}`;
}
