import {
  addMonths,
  type BusinessDate,
  monthStartOf,
  startOfBusinessDate,
} from '../../domain/business-date.js';
import type { Caller, Json } from './http.js';
import type { Applicant } from './onboarding.js';
import type { Charged } from './serving.js';
import { type Stage, waitFor, won } from './stage.js';

const SETTLED_WITHIN_MS = 180_000;
const ACCEPTED_WITHIN_MS = 120_000;

/** The month ends on the business clock; its days and the month itself are closed without a force flag. */
export async function settle(
  stage: Stage,
  { admin, finance }: { readonly admin: Caller; readonly finance: Caller },
  applicant: Applicant,
  charged: Charged,
): Promise<void> {
  stage.chapter('5 Settlement: day, month, tax invoice, files');
  const { seller, advertiserId } = applicant;
  const { businessDate } = await finance.get('/v1/business-clock');
  const monthStart: BusinessDate = monthStartOf(startOfBusinessDate(businessDate));
  const month = monthStart.slice(0, 7);
  const early = await finance.ask('POST', '/v1/settlements/daily', { body: { date: businessDate } });
  stage.check(
    'a day that is not over cannot be settled',
    early.status === 409,
    `${early.status} ${early.body.code}`,
  );
  const moved = await finance.post('/v1/business-clock/advances', { toDate: addMonths(monthStart, 1) });
  stage.tell('business time moved to the next month', moved.now);
  await finance.post('/v1/settlements/daily', { date: businessDate });
  const run = await untilSettled(finance, businessDate);
  stage.tell(
    'day settled',
    `${businessDate}, ${won(run.chargedKrw)} in ${run.lineCount} lines, hash ${run.linesHash.slice(0, 16)}…`,
  );
  const own = (await allLines(finance, businessDate)).filter((line) => line.advertiserId === advertiserId);
  const settledKrw = sum(own, (line) => line.chargedCashKrw + line.chargedPromoKrw);
  stage.check(
    'the lines of the seller are what its clicks were charged',
    settledKrw === charged.krw,
    won(settledKrw),
  );
  await stage.temporal([
    'workflow',
    'start',
    '--task-queue',
    'settlement',
    '--type',
    'monthlySettlement',
    '--workflow-id',
    `monthly-settlement:${month}`,
    '--input',
    JSON.stringify({ month, requestedBy: 'usr_demo_finance' }),
  ]);
  stage.tell('month started by the Temporal CLI', `monthly-settlement:${month}`);
  const invoice = await waitFor(
    'the tax invoice is accepted by the tax authority',
    SETTLED_WITHIN_MS + ACCEPTED_WITHIN_MS,
    async () => {
      const { items } = await seller.get(`/v1/advertisers/${advertiserId}/tax-invoices`);
      return items.find((item: Json) => item.month === month && item.state === 'NTS_ACCEPTED');
    },
  );
  stage.tell('tax invoice', `${invoice.taxInvoiceId}, NTS ${invoice.ntsConfirmNumber}`);
  stage.check(
    'supply and tax make the total',
    invoice.supplyAmountKrw + invoice.taxAmountKrw === invoice.totalAmountKrw,
    `${won(invoice.supplyAmountKrw)} + ${won(invoice.taxAmountKrw)}`,
  );
  stage.check(
    'invoice = settlement = charges, to the won',
    invoice.totalAmountKrw === charged.krw,
    won(invoice.totalAmountKrw),
  );
  const checklist = await waitFor('the month is complete', SETTLED_WITHIN_MS, async () => {
    const found = await finance.get(`/v1/settlements/monthly/${month}`);
    return found.status === 'completed' ? found : null;
  });
  stage.check(
    'cash spend of everybody = all their documents',
    checklist.cashSpendKrw === checklist.invoicedKrw,
    won(checklist.invoicedKrw),
  );
  await downloadFiles(stage, { finance, seller }, { advertiserId, businessDate, month }, charged);
  const report = await admin.get('/v1/reconciliation');
  stage.check('the books are clean', report.ok === true);
}

async function untilSettled(finance: Caller, date: string): Promise<Json> {
  return waitFor(`${date} is settled`, SETTLED_WITHIN_MS, async () => {
    const { status, body } = await finance.ask('GET', `/v1/settlements/daily/${date}`);
    if (status !== 200) return null;
    const failed = body.items.find((run: Json) => run.status === 'failed');
    if (failed !== undefined) throw new Error(`settlement failed: ${JSON.stringify(failed.differences)}`);
    return body.items.find((run: Json) => run.status === 'completed');
  });
}

async function allLines(finance: Caller, date: string): Promise<Json[]> {
  const lines: Json[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Json = await finance.get(`/v1/settlements/daily/${date}/lines?limit=100${after}`);
    lines.push(...page.items);
    cursor = page.nextCursor ?? null;
  }
  return lines;
}

const sum = (rows: readonly Json[], amountOf: (row: Json) => number) =>
  rows.reduce((total, row) => total + amountOf(row), 0);

async function downloadFiles(
  stage: Stage,
  { finance, seller }: { readonly finance: Caller; readonly seller: Caller },
  { advertiserId, businessDate, month }: { advertiserId: string; businessDate: string; month: string },
  charged: Charged,
): Promise<void> {
  const lines = await finance.text(`/v1/settlements/daily/${businessDate}/lines.csv`);
  const performance = await seller.text(
    `/v1/advertisers/${advertiserId}/performance.csv?from=${businessDate}&to=${businessDate}&groupBy=campaign`,
  );
  const statement = await seller.text(`/v1/advertisers/${advertiserId}/statements/${month}.csv`);
  stage.check(
    'the finance file names the seller',
    lines.includes(advertiserId),
    `${lines.split('\n').length} lines`,
  );
  stage.check('the seller’s report says what was spent', performance.includes(String(charged.krw)));
  stage.check('the seller’s statement says it, too', statement.includes(String(charged.krw)));
}
