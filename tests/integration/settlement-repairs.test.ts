import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addDays, businessDateOf, DAY_MS, startOfBusinessDate } from '../../domain/business-date.js';
import { businessNumberCheckDigit } from '../../domain/business-number.js';
import { taxInvoiceIdOf } from '../../domain/tax-invoice.js';
import { firstDayAfter, monthOf, taxInvoiceDates } from '../../domain/tax-month.js';
import { createBusinessRegistry } from '../../infra/business-registry.js';
import { loadConfig } from '../../infra/config.js';
import { createTaxInvoiceProvider, type TaxInvoiceProvider } from '../../infra/tax-invoice-provider.js';
import { advanceBusinessClock } from '../../operations/advance-business-clock.js';
import { chargeClicks } from '../../operations/charge-clicks.js';
import { draftTaxInvoices } from '../../operations/draft-tax-invoices.js';
import { finishSettlement } from '../../operations/finish-settlement.js';
import { followTaxInvoices, takeTaxInvoiceWebhook } from '../../operations/follow-tax-invoices.js';
import {
  approveTaxInvoices,
  issueTaxInvoices,
  type TaxInvoiceDeps,
} from '../../operations/issue-tax-invoices.js';
import { platformParty } from '../../operations/read-tax-party.js';
import { registerAdvertiser } from '../../operations/register-advertiser.js';
import { retryTaxInvoice } from '../../operations/repair-tax-invoice.js';
import {
  beginSettlement,
  closeDayForSettlement,
  planSettlementChunks,
  settleChunk,
} from '../../operations/settle-day.js';
import { beginMonth, checkMonth, planMonth } from '../../operations/settlement-month.js';
import { type RunningProviders, startProviders } from '../../outside/providers/start-providers.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { delivered, fund } from '../support/money.js';
import { poll } from '../support/poll.js';

/** Settlement and its documents when something breaks between two steps: operations on real stores and HTTP. */
const DAY = addDays(businessDateOf(Date.now()), 1);
const MONTH = monthOf(DAY);
const NAMES = ['a', 'b', 'c', 'late'] as const;
const ACTOR = { actorId: 'usr_finance', actorRole: 'finance' };

let db: TestDatabase;
let providers: RunningProviders;
let deps: TaxInvoiceDeps;

beforeAll(async () => {
  db = await createTestDatabase();
  providers = await startSandbox();
  const config = {
    ...loadConfig(),
    TAX_INVOICE_PROVIDER_URL: `${providers.url}/tax-invoices`,
    BUSINESS_REGISTRY_URL: `${providers.url}/business-registry`,
  };
  deps = {
    pool: db.appPool,
    provider: createTaxInvoiceProvider(config),
    registry: createBusinessRegistry(config),
    supplier: platformParty(config),
  };
  const nowMs = startOfBusinessDate(DAY) + 3_600_000;
  await advanceTo(nowMs);
  for (const [index, name] of NAMES.entries()) await spend(name, index, nowMs);
}, 60_000);
afterAll(async () => {
  await providers.stop();
  await db.drop();
});

async function startSandbox(): Promise<RunningProviders> {
  const config = loadConfig();
  return startProviders({
    payments: { secretKey: config.PAYMENT_SECRET_KEY, webhookSecret: config.PAYMENT_WEBHOOK_SECRET },
    taxInvoices: { apiKey: config.TAX_INVOICE_API_KEY, webhookSecret: config.TAX_INVOICE_WEBHOOK_SECRET },
    businessRegistry: { serviceKey: config.BUSINESS_REGISTRY_KEY },
    messages: { apiKey: config.MESSAGES_API_KEY, apiSecret: config.MESSAGES_API_SECRET },
    host: '127.0.0.1',
    port: 0,
    smtpPort: 0,
    consoleUrl: 'http://127.0.0.1:9',
    log: pino({ level: 'silent' }),
    webhookRetryBaseMs: 50,
    taxInvoiceStepMs: 20,
  });
}

async function advanceTo(toMs: number): Promise<void> {
  const moved = await advanceBusinessClock(db.appPool, { toMs, environment: 'test' });
  if (!moved.ok) throw new Error(moved.error.message);
}

async function spend(name: string, index: number, nowMs: number): Promise<void> {
  const advertiserId = `adv_${name}`;
  const firstNine = `11081002${index}`;
  const businessNumber = `${firstNine}${businessNumberCheckDigit(firstNine)}`;
  await registerAdvertiser(db.appPool, { advertiserId, name, businessNumber });
  const campaignId = `cmp_${name}`;
  const budget = { campaignId, advertiserId, dailyBudgetKrw: 100_000, totalBudgetKrw: null };
  await fund(db.appPool, budget, 50_000);
  const click = delivered({ name, advertiserId, campaignId, priceKrw: 1_000, issuedAtMs: nowMs - 2_000 });
  await chargeClicks(db.appPool, [click], { bidFloorKrw: 50 });
}

test('a run that is cut off between two chunks goes on and publishes; one that lost a chunk is not published', async () => {
  await advanceTo(startOfBusinessDate(addDays(DAY, 1)) + 1_000);
  expect((await closeDayForSettlement(db.appPool, DAY, 'test')).ok).toBe(true);
  const workflowId = `daily-settlement:${DAY}`;
  const begin = (id: string) =>
    beginSettlement(db.appPool, { businessDate: DAY, workflowId: id, requestedBy: 'test' });
  const first = await begin(workflowId);
  const chunks = (await planSettlementChunks(db.appPool, DAY)).map(([from, until]) => ({ from, until }));
  expect(chunks).toHaveLength(NAMES.length);
  const settle = (runNo: number, chunk: { from: string; until: string } | undefined) =>
    chunk && settleChunk(db.appPool, { businessDate: DAY, runNo, ...chunk });
  await settle(1, chunks[0]);
  // The worker dies here: the next one begins with the same name and settles every chunk, the first one again.
  expect(await begin(workflowId)).toEqual(first);
  await Promise.all([...chunks, chunks[0]].map((chunk) => settle(1, chunk)));
  expect(await finishSettlement(db.appPool, { workflowId })).toMatchObject({ status: 'completed' });
  const { rows } = await db.appPool.query('SELECT line_count, charged_krw FROM settlement_run');
  expect(rows).toEqual([{ line_count: NAMES.length, charged_krw: NAMES.length * 1_000 }]);

  await begin(`${workflowId}:2`);
  await settle(2, chunks[0]);
  const lost = await finishSettlement(db.appPool, { workflowId: `${workflowId}:2` });
  // Three advertisers without their lines, and another hash than the published one.
  expect([lost.status, lost.differences]).toEqual(['failed', NAMES.length - 1 + 1]);
  await expect(settle(2, chunks[1])).rejects.toThrow('running');
});

const documentOf = async (name: string) => {
  const { rows } = await db.appPool.query<{
    state: string;
    attempt: number;
    reference: string;
    key: string | null;
    exception: string | null;
  }>(
    `SELECT state, attempt, client_reference_id AS reference, issuance_key AS key, exception_code AS exception
     FROM tax_invoice WHERE id = $1`,
    [taxInvoiceIdOf(`adv_${name}`, MONTH, 0)],
  );
  if (!rows[0]) throw new Error(`no document of ${name}`);
  return rows[0];
};

const retry = (name: string) =>
  retryTaxInvoice(db.appPool, { taxInvoiceId: taxInvoiceIdOf(`adv_${name}`, MONTH, 0), ...ACTOR });

test('a late word about a rejected attempt does not touch the attempt in its place', async () => {
  await advanceTo(startOfBusinessDate(firstDayAfter(MONTH)) + DAY_MS);
  await beginMonth(db.appPool, { month: MONTH, requestedBy: 'test' });
  await draftTaxInvoices(db.appPool, MONTH, '');
  await putRejection();
  const id = taxInvoiceIdOf('adv_late', MONTH, 0);
  const selection = { taxInvoiceId: id };
  const { reference } = await documentOf('late');
  await approveTaxInvoices(deps, selection);
  await issueTaxInvoices(deps, selection);
  const overtaken: TaxInvoiceProvider = {
    ...deps.provider,
    readStatus: async (name) => {
      const told = await deps.provider.readStatus(name);
      await followTaxInvoices(deps, selection);
      expect(await retry('late')).toMatchObject({ ok: true });
      return told;
    },
  };
  await poll(
    'it is rejected',
    async () => {
      const told = await deps.provider.readStatus(reference);
      return told.ok && told.value.state === 'NTS_REJECTED';
    },
    30_000,
    50,
  );
  const delivery = { webhookId: 'msg_late', clientReferenceId: reference };
  await takeTaxInvoiceWebhook({ pool: db.appPool, provider: overtaken }, delivery);
  expect(await documentOf('late')).toMatchObject({ state: 'DRAFT', attempt: 1, exception: null });
  await approveTaxInvoices(deps, selection);
  await issueTaxInvoices(deps, selection);
  await poll('accepted', async () => (await followTaxInvoices(deps, selection)).open === 0, 30_000, 50);
  expect(await documentOf('late')).toMatchObject({ state: 'NTS_ACCEPTED', attempt: 1 });
});

test('a document about which the provider said nothing is asked for again, and issued once', async () => {
  await approveTaxInvoices(deps, { month: MONTH });
  const silentAbout: TaxInvoiceProvider = {
    ...deps.provider,
    issueBulk: async (request) => {
      const answer = await deps.provider.issueBulk(request);
      if (!answer.ok) return answer;
      return { ok: true, value: { results: answer.value.results.slice(1) } };
    },
  };
  await expect(issueTaxInvoices({ ...deps, provider: silentAbout }, { month: MONTH })).rejects.toThrow(
    'no answer about 1 documents',
  );
  expect(await documentOf('a')).toMatchObject({ state: 'ISSUING', key: null });
  expect(await issueTaxInvoices(deps, { month: MONTH })).toEqual({ more: false });
  const { reference, key } = await documentOf('a');
  const known = await deps.provider.readStatus(reference);
  expect(known).toMatchObject({ ok: true, value: { issuanceKey: key } });
});

test('a document that nobody follows any more is taken up again under the same name', async () => {
  const before = await documentOf('a');
  expect(await retry('a')).toMatchObject({ ok: true, value: { advertiserId: 'adv_a', seq: 0 } });
  expect(await documentOf('a')).toEqual(before);
  const end = () => followTaxInvoices(deps, { month: MONTH });
  await poll('all are accepted', async () => (await end()).open === 0, 30_000, 50);
  expect(await retry('a')).toMatchObject({ ok: false, error: { code: 'wrong_status' } });
});

async function putRejection(): Promise<void> {
  const answer = await fetch(`${providers.url}/sandbox/behaviours/tax-invoices`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rejectNext: { code: 'ERR001', message: '공급자번호 오류', times: 1 } }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

test('from the 8th finance is told once a day, and after the last day nothing starts unless asked for', async () => {
  const { alarmFrom, lastDate } = taxInvoiceDates(MONTH);
  const notices = async () =>
    (await db.appPool.query("SELECT FROM notification WHERE template = 'tax_invoice_deadline'")).rowCount;
  await advanceTo(startOfBusinessDate(alarmFrom) - 1_000);
  await planMonth(db.appPool);
  expect(await notices()).toBe(0);
  await advanceTo(startOfBusinessDate(alarmFrom) + 1_000);
  await planMonth(db.appPool);
  await planMonth(db.appPool);
  expect(await notices()).toBe(1);
  await advanceTo(startOfBusinessDate(addDays(lastDate, 1)));
  expect(await planMonth(db.appPool)).toEqual({ due: null });
  expect(await notices()).toBe(2);
  expect(await checkMonth(db.appPool, { month: MONTH })).toMatchObject({
    ok: false,
    error: { code: 'tax_invoice_deadline_passed', field: 'late' },
  });
  expect(await checkMonth(db.appPool, { month: MONTH, late: true })).toMatchObject({ ok: true });
});
