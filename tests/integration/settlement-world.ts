import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { pino } from 'pino';
import { DAY_MS } from '../../domain/business-date.js';
import { businessNumberCheckDigit } from '../../domain/business-number.js';
import { loadConfig } from '../../infra/config.js';
import { createMetrics } from '../../infra/metrics.js';
import { installTemporalRuntime } from '../../infra/temporal.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { type RunningProviders, startProviders } from '../../outside/providers/start-providers.js';
import { createSettlementWorker } from '../../processes/settlement-worker.js';
import { type ClickWish, delivered, fund } from '../support/money.js';
import { poll } from '../support/poll.js';
import { type Answer, type IdentityConsole, startIdentityConsole } from './identity-console.js';

/** Real console, Temporal namespace, settlement worker and sandbox of the outside services, for one test file. */
export interface SettlementWorld {
  readonly api: IdentityConsole;
  readonly providers: RunningProviders;
  finance(path: string, body?: unknown): Promise<Answer>;
  /** How a service misbehaves from now on. */
  behave(service: string, behaviour: unknown): Promise<void>;
  /** An advertiser with money and a campaign; its number decides what the registry says. */
  company(name: string, firstNine: string, cashKrw: number): Promise<string>;
  charge(...clicks: readonly Pick<ClickWish, 'name' | 'advertiserId' | 'priceKrw'>[]): Promise<void>;
  /** Business time to the next day or month, by the same operation as a demonstration. */
  advance(to: { readonly byMs: number } | { readonly toMs: number }): Promise<void>;
  startWorker(): { stop(): Promise<void> };
  close(): Promise<void>;
}

export const campaignOf = (advertiserId: string) => `cmp_${advertiserId}`;

export async function startSettlementWorld(): Promise<SettlementWorld> {
  const base = loadConfig();
  const log = pino({ level: 'silent' });
  const { taxInvoices, ...services } = secretsOf(base);
  const providers = await startProviders({
    ...services,
    taxInvoices,
    host: '127.0.0.1',
    port: 0,
    smtpPort: 0,
    consoleUrl: 'http://127.0.0.1:9',
    log,
    webhookRetryBaseMs: 50,
    taxInvoiceStepMs: 50,
  });
  Object.assign(process.env, {
    TEMPORAL_NAMESPACE: `settlement-${randomBytes(4).toString('hex')}`,
    TAX_INVOICE_PROVIDER_URL: `${providers.url}/tax-invoices`,
    BUSINESS_REGISTRY_URL: `${providers.url}/business-registry`,
  });
  const deleteNamespace = await createNamespace();
  const api = await startIdentityConsole();
  // biome-ignore lint/correctness/useHookAtTopLevel: a setting of the sandbox, nothing of React.
  providers.useConsole(api.url);
  const config = { ...loadConfig(), DATABASE_URL: await urlOf(api), SHUTDOWN_TIMEOUT_MS: 5_000 };
  installTemporalRuntime(log);
  const { pool } = api.deps;
  const token = await api.signIn('finance');
  return {
    api,
    providers,
    finance: (path, body) =>
      api.call(path, { token, ...(body === undefined ? {} : { method: 'POST', body }) }),
    behave: async (service, behaviour) => {
      const answer = await fetch(`${providers.url}/sandbox/behaviours/${service}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(behaviour),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    company: async (name, firstNine, cashKrw) => {
      const advertiserId = `adv_${name}`;
      const businessNumber = `${firstNine}${businessNumberCheckDigit(firstNine)}`;
      await registerAdvertiser(pool, { advertiserId, name, businessNumber });
      const budget = {
        campaignId: campaignOf(advertiserId),
        advertiserId,
        dailyBudgetKrw: 10_000_000,
        totalBudgetKrw: null,
      };
      await fund(pool, budget, cashKrw);
      return advertiserId;
    },
    charge: async (...clicks) => {
      const now = await businessNow(api);
      const events = clicks.map((click) =>
        delivered({ ...click, campaignId: campaignOf(click.advertiserId), issuedAtMs: now - 2_000 }),
      );
      await chargeClicks(pool, events, { bidFloorKrw: 50 });
    },
    advance: async (to) => {
      const moved = await advanceBusinessClock(pool, { ...to, environment: 'test' });
      if (!moved.ok) throw new Error(moved.error.message);
    },
    startWorker: () => {
      const worker = createSettlementWorker({
        config,
        log,
        metrics: createMetrics({ defaultMetrics: false }),
      });
      worker.runner.start();
      return {
        stop: async () => {
          await worker.runner.stop();
          await worker.stop();
        },
      };
    },
    close: async () => {
      await api.close();
      await providers.stop();
      await deleteNamespace();
    },
  };
}

export async function businessNow(api: IdentityConsole): Promise<number> {
  return Date.parse(String((await api.call('/v1/business-clock')).body.now));
}
export const NEXT_DAY = { byMs: DAY_MS };

async function urlOf(api: IdentityConsole): Promise<string> {
  const { rows } = await api.owner.query<{ name: string }>('SELECT current_database() AS name');
  const url = new URL(loadConfig().DATABASE_URL);
  url.pathname = `/${rows[0]?.name ?? ''}`;
  return url.href;
}

function secretsOf(config: ReturnType<typeof loadConfig>) {
  return {
    payments: { secretKey: config.PAYMENT_SECRET_KEY, webhookSecret: config.PAYMENT_WEBHOOK_SECRET },
    taxInvoices: { apiKey: config.TAX_INVOICE_API_KEY, webhookSecret: config.TAX_INVOICE_WEBHOOK_SECRET },
    businessRegistry: { serviceKey: config.BUSINESS_REGISTRY_KEY },
    messages: { apiKey: config.MESSAGES_API_KEY, apiSecret: config.MESSAGES_API_SECRET },
  };
}

async function createNamespace(): Promise<() => Promise<void>> {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = loadConfig();
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const known = () =>
    connection.workflowService.describeNamespace({ namespace }).then(
      () => true,
      () => false,
    );
  await poll('the namespace is known', known, 30_000, 200);
  return async () => {
    await connection.operatorService.deleteNamespace({ namespace });
    await connection.close();
  };
}
