import { pino } from 'pino';
import { z } from 'zod';
import { type ProviderPayment, paymentSchema } from '../../contracts/providers/payments.js';
import { type Config, DEMO_SECRETS } from '../../infra/config.js';
import type { SandboxBusiness } from '../../outside/providers/business-registry.js';
import type { Behaviour, Service } from '../../outside/providers/kit/behaviours.js';
import type { WebhookDelivery } from '../../outside/providers/kit/webhooks.js';
import type { ReceivedMail } from '../../outside/providers/mailbox.js';
import type { ReceivedMessage } from '../../outside/providers/messages.js';
import { startProviders } from '../../outside/providers/start-providers.js';
import type { SandboxInvoice } from '../../outside/providers/tax-invoices/invoice-book.js';

type WhichPayment = { accountNumber: string } | { paymentKey: string } | { orderId: string };
type ProviderConfig = Pick<
  Config,
  | 'PAYMENT_PROVIDER_URL'
  | 'PAYMENT_SECRET_KEY'
  | 'PAYMENT_WEBHOOK_SECRET'
  | 'TAX_INVOICE_PROVIDER_URL'
  | 'TAX_INVOICE_API_KEY'
  | 'TAX_INVOICE_WEBHOOK_SECRET'
  | 'BUSINESS_REGISTRY_URL'
  | 'BUSINESS_REGISTRY_KEY'
  | 'MESSAGES_PROVIDER_URL'
  | 'MESSAGES_API_KEY'
  | 'MESSAGES_API_SECRET'
  | 'SMTP_URL'
  | 'MAIL_FROM'
>;

/** The outside services on free ports, with what a person at the outside does. Everything goes over HTTP and SMTP. */
export interface TestSandbox {
  readonly url: string;
  /** Spread over a configuration: `{ ...loadConfig(), ...sandbox.config }`. */
  readonly config: ProviderConfig;
  /** Webhooks go there from now on: for consoles whose port is known only later. */
  useConsole(url: string): void;
  /** The shopper's checkout window; the merchant confirms the key. */
  payByCard(order: {
    orderId: string;
    amountKrw: number;
    cardNumber?: string;
  }): Promise<{ paymentKey: string }>;
  authoriseBilling(input: { customerKey: string; cardNumber?: string }): Promise<{ authKey: string }>;
  /** Money arrives on a virtual account; default: the amount asked for. */
  deposit(which: WhichPayment, amountKrw?: number): Promise<ProviderPayment>;
  reverseDeposit(which: WhichPayment): Promise<ProviderPayment>;
  expireVirtualAccount(which: WhichPayment): Promise<ProviderPayment>;
  /** Replaces how a service misbehaves; `{}` is well behaved again. */
  behaviour(service: Service, behaviour: Partial<Behaviour>): Promise<void>;
  setBusiness(businessNumber: string, business: Partial<SandboxBusiness>): Promise<void>;
  mails(to?: string): Promise<ReceivedMail[]>;
  messages(to?: string): Promise<ReceivedMessage[]>;
  payments(): Promise<ProviderPayment[]>;
  /** Oldest first. */
  taxInvoices(): Promise<SandboxInvoice[]>;
  /** One step on the way to the tax authority, at once. */
  advanceTaxInvoice(clientReferenceId: string): Promise<void>;
  webhookDeliveries(): Promise<WebhookDelivery[]>;
  stop(): Promise<void>;
}

/** Where no console is expected: webhooks fail and are repeated in vain. */
const NOBODY = 'http://127.0.0.1:9';

export async function startSandbox(
  options: {
    readonly consoleUrl?: string;
    readonly taxInvoiceStepMs?: number;
    readonly webhookRetryBaseMs?: number;
  } = {},
): Promise<TestSandbox> {
  const providers = await startProviders({
    host: '127.0.0.1',
    port: 0,
    smtpPort: 0,
    consoleUrl: options.consoleUrl ?? NOBODY,
    payments: {
      secretKey: DEMO_SECRETS.PAYMENT_SECRET_KEY,
      webhookSecret: DEMO_SECRETS.PAYMENT_WEBHOOK_SECRET,
    },
    taxInvoices: {
      apiKey: DEMO_SECRETS.TAX_INVOICE_API_KEY,
      webhookSecret: DEMO_SECRETS.TAX_INVOICE_WEBHOOK_SECRET,
    },
    businessRegistry: { serviceKey: DEMO_SECRETS.BUSINESS_REGISTRY_KEY },
    messages: { apiKey: DEMO_SECRETS.MESSAGES_API_KEY, apiSecret: DEMO_SECRETS.MESSAGES_API_SECRET },
    log: pino({ level: 'silent' }),
    webhookRetryBaseMs: options.webhookRetryBaseMs ?? 20,
    taxInvoiceStepMs: options.taxInvoiceStepMs ?? 20,
  });
  const { url } = providers;
  const control = (method: string, path: string, body?: unknown) =>
    ask(`${url}/sandbox${path}`, method, body);
  const list = async <T>(path: string): Promise<T[]> =>
    z.array(z.custom<T>()).parse(await control('GET', path));
  const payment = async (path: string, body: unknown) =>
    paymentSchema.parse(await control('POST', path, body));
  const shopper = (path: string, body: unknown) => ask(`${url}/payments/v1/sandbox${path}`, 'POST', body);
  const card = (number: string | undefined) => (number === undefined ? {} : { card: { number } });
  const query = (to: string | undefined) => (to === undefined ? '' : `?${new URLSearchParams({ to })}`);
  return {
    url,
    config: configOf(url, providers.smtpUrl),
    useConsole: (consoleUrl) => providers.useConsole(consoleUrl),
    payByCard: async ({ orderId, amountKrw, cardNumber }) => {
      const answer = await shopper('/card-payments', { orderId, amount: amountKrw, ...card(cardNumber) });
      return z.object({ paymentKey: z.string() }).parse(answer);
    },
    authoriseBilling: async ({ customerKey, cardNumber }) => {
      const answer = await shopper('/billing-authorisations', { customerKey, ...card(cardNumber) });
      return z.object({ authKey: z.string() }).parse(answer);
    },
    deposit: (which, amountKrw) =>
      payment('/deposits', { ...which, ...(amountKrw === undefined ? {} : { amountKrw }) }),
    reverseDeposit: (which) => payment('/deposits/reversals', which),
    expireVirtualAccount: (which) => payment('/virtual-accounts/expiries', which),
    behaviour: async (service, behaviour) => {
      await control('PUT', `/behaviours/${service}`, behaviour);
    },
    setBusiness: async (businessNumber, business) => {
      await control('PUT', `/businesses/${businessNumber}`, business);
    },
    mails: (to) => list(`/mails${query(to)}`),
    messages: (to) => list(`/messages${query(to)}`),
    payments: async () => z.array(paymentSchema).parse(await control('GET', '/payments')),
    taxInvoices: () => list('/tax-invoices'),
    advanceTaxInvoice: async (clientReferenceId) => {
      await control('POST', '/tax-invoices/advances', { clientReferenceId });
    },
    webhookDeliveries: () => list('/webhooks'),
    stop: () => providers.stop(),
  };
}

function configOf(url: string, smtpUrl: string): ProviderConfig {
  return {
    PAYMENT_PROVIDER_URL: `${url}/payments`,
    PAYMENT_SECRET_KEY: DEMO_SECRETS.PAYMENT_SECRET_KEY,
    PAYMENT_WEBHOOK_SECRET: DEMO_SECRETS.PAYMENT_WEBHOOK_SECRET,
    TAX_INVOICE_PROVIDER_URL: `${url}/tax-invoices`,
    TAX_INVOICE_API_KEY: DEMO_SECRETS.TAX_INVOICE_API_KEY,
    TAX_INVOICE_WEBHOOK_SECRET: DEMO_SECRETS.TAX_INVOICE_WEBHOOK_SECRET,
    BUSINESS_REGISTRY_URL: `${url}/business-registry`,
    BUSINESS_REGISTRY_KEY: DEMO_SECRETS.BUSINESS_REGISTRY_KEY,
    MESSAGES_PROVIDER_URL: `${url}/messages`,
    MESSAGES_API_KEY: DEMO_SECRETS.MESSAGES_API_KEY,
    MESSAGES_API_SECRET: DEMO_SECRETS.MESSAGES_API_SECRET,
    SMTP_URL: smtpUrl,
    MAIL_FROM: '광고센터 <no-reply@ads.example>',
  };
}

/** Throws with the sandbox's own words when it refuses. */
async function ask(url: string, method: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${method} ${new URL(url).pathname} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
