import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { defineQuery, ParentClosePolicy, setHandler, startChild } from '@temporalio/workflow';
import {
  MONTHLY_SETTLEMENT,
  type MonthlySettlementInput,
  type MonthlySettlementState,
  monthlySettlementId,
} from '../contracts/temporal/settlement.js';
import { settleDays } from './daily-settlement.js';
import { books, outside } from './settlement-activities.js';
import { followToTheEnd } from './tax-invoice.js';

const stateQuery = defineQuery<MonthlySettlementState>(MONTHLY_SETTLEMENT.state);

/**
 * One month: every day of it settled, then an invoice for each advertiser on its cash spend, then all of them issued and
 * followed to the tax authority's answer. Id `monthly-settlement:<month>`. Started again it finds its documents.
 */
export async function monthlySettlement(input: MonthlySettlementInput): Promise<MonthlySettlementState> {
  const { month } = input;
  const requestedBy = input.requestedBy ?? 'schedule';
  let state: MonthlySettlementState = { month, step: 'checking', openDays: [], exceptions: 0 };
  const enter = (change: Partial<MonthlySettlementState>) => {
    state = { ...state, ...change };
  };
  setHandler(stateQuery, () => state);
  await books.beginMonth({ ...input, requestedBy });
  enter({ step: 'settling_days' });
  await settleDaysOfMonth();
  enter({ step: 'drafting' });
  for (let after: string | null = ''; after !== null; ) {
    after = (await books.draftTaxInvoices({ month, after })).next;
  }
  await books.markMonthInvoiced({ month });
  enter({ step: 'approving' });
  while ((await outside.approveTaxInvoices({ month })).more);
  enter({ step: 'issuing' });
  while ((await outside.issueTaxInvoices({ month })).more);
  enter({ step: 'awaiting_authority' });
  const { exceptions, open } = await followToTheEnd({ month });
  await books.finishMonth({ month, status: open === 0 ? 'completed' : 'failed' });
  enter({ step: 'done', exceptions });
  return state;

  async function settleDaysOfMonth(): Promise<void> {
    const days = await books.listOpenDays({ month });
    enter({ openDays: days.map((day) => day.businessDate) });
    const settled = await settleDays(days, requestedBy);
    const failed = days.map((day) => day.businessDate).filter((date) => settled[date] !== 'completed');
    enter({ openDays: failed });
    if (failed.length === 0) return;
    await books.finishMonth({ month, status: 'failed' });
    throw ApplicationFailure.nonRetryable(`not settled: ${failed.join(', ')}`, 'days_not_settled');
  }
}

/** Every morning: starts the month that is due, and tells finance when its time runs out. */
export async function monthlySettlementDue(): Promise<string | null> {
  const { due } = await books.planMonth();
  if (due === null) return null;
  try {
    await startChild(monthlySettlement, {
      workflowId: monthlySettlementId(due),
      args: [{ month: due }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Settlement of ${due}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return due;
}
