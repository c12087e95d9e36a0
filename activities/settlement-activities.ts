import { ApplicationFailure } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { SettlementActivities } from '../contracts/temporal/settlement.js';
import type { Failure, Result } from '../domain/result.js';
import { draftTaxInvoices } from '../operations/draft-tax-invoices.js';
import { finishSettlement } from '../operations/finish-settlement.js';
import { followTaxInvoices } from '../operations/follow-tax-invoices.js';
import {
  approveTaxInvoices,
  issueTaxInvoices,
  type TaxInvoiceDeps,
} from '../operations/issue-tax-invoices.js';
import {
  beginSettlement,
  closeDayForSettlement,
  planSettlementChunks,
  readRun,
  settleChunk,
} from '../operations/settle-day.js';
import {
  beginMonth,
  finishMonth,
  listOpenDays,
  markMonthInvoiced,
  planMonth,
} from '../operations/settlement-month.js';
import { failingOnInvalidData } from './invalid-data.js';

export interface SettlementActivityDeps extends TaxInvoiceDeps {
  readonly log: Logger;
}

/** Thin by design: each calls one operation and turns its refusal into a failure that no retry repeats. */
export function createSettlementActivities(deps: SettlementActivityDeps): SettlementActivities {
  const { pool, log } = deps;
  return failingOnInvalidData<SettlementActivities>({
    closeDay: async ({ businessDate, requestedBy }) => {
      valueOrFailure(await closeDayForSettlement(pool, businessDate, requestedBy));
    },
    beginSettlement: async (input) => valueOrFailure(await beginSettlement(pool, input)),
    planSettlementChunks: ({ businessDate }) => planSettlementChunks(pool, businessDate),
    settleChunk: (chunk) => settleChunk(pool, chunk),
    finishSettlement: async (input) => {
      const finished = await finishSettlement(pool, input);
      if (finished.status === 'failed') log.error({ ...input, ...finished }, 'settlement failed');
      return finished;
    },
    listOpenDays: ({ month }) => listOpenDays(pool, month),
    readSettlementStatus: async ({ workflowId }) => (await readRun(pool, workflowId))?.status ?? null,
    beginMonth: async (input) => {
      valueOrFailure(await beginMonth(pool, input));
    },
    finishMonth: ({ month, status }) => finishMonth(pool, month, status),
    draftTaxInvoices: ({ month, after }) => draftTaxInvoices(pool, month, after),
    markMonthInvoiced: ({ month }) => markMonthInvoiced(pool, month),
    approveTaxInvoices: (selection) => approveTaxInvoices(deps, selection),
    issueTaxInvoices: (selection) => issueTaxInvoices(deps, selection),
    readTaxInvoices: (selection) => followTaxInvoices(deps, selection),
    planMonth: () => planMonth(pool),
  });
}

function valueOrFailure<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw ApplicationFailure.nonRetryable(result.error.message, result.error.code);
}
