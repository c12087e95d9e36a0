import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TASK_QUEUES } from '../contracts/temporal/campaign-lifecycle.js';
import {
  DAILY_SETTLEMENT,
  type DailySettlementInput,
  MONTHLY_SETTLEMENT,
  type MonthlySettlementInput,
  monthlySettlementId,
  type OpenDay,
  SETTLE_OPEN_DAYS,
  SETTLE_OPEN_DAYS_ID,
  TAX_INVOICE,
  type TaxInvoiceInput,
  taxInvoiceWorkflowId,
} from '../contracts/temporal/settlement.js';
import { err, ok, type Result } from '../domain/result.js';
import type { RepairedDocument } from './repair-tax-invoice.js';
import { isUnreached, WORKFLOWS_UNAVAILABLE } from './workflow-call.js';

/** Starts or joins the run of a day. */
export const startDailySettlement = (client: Client, day: OpenDay, requestedBy: string) =>
  start(client, DAILY_SETTLEMENT.workflowType, day.workflowId, `Settlement of ${day.businessDate}`, {
    businessDate: day.businessDate,
    requestedBy,
  } satisfies DailySettlementInput);

/** Every open day, the oldest first, in one go. */
export const startSettlingOpenDays = (client: Client, requestedBy: string) =>
  start(client, SETTLE_OPEN_DAYS.workflowType, SETTLE_OPEN_DAYS_ID, 'Settlement of all open days', {
    requestedBy,
  });

export const startMonthlySettlement = (client: Client, input: MonthlySettlementInput) =>
  start(
    client,
    MONTHLY_SETTLEMENT.workflowType,
    monthlySettlementId(input.month),
    `Settlement of ${input.month}`,
    input,
  );

/** Takes one document (an exception or a correction) to the tax authority. */
export const startTaxInvoice = (
  client: Client,
  { taxInvoiceId, advertiserId, month, seq }: RepairedDocument,
) => {
  const workflowId = taxInvoiceWorkflowId(advertiserId, month, seq);
  return reached(client, workflowId, () =>
    client.workflow.signalWithStart(TAX_INVOICE.workflowType, {
      workflowId,
      taskQueue: TASK_QUEUES.settlement,
      args: [{ taxInvoiceId } satisfies TaxInvoiceInput],
      signal: TAX_INVOICE.takeUp,
      staticSummary: `Tax invoice ${taxInvoiceId}`,
    }),
  );
};

const CALL_TIMEOUT_MS = 10_000;

const start = (
  client: Client,
  workflowType: string,
  workflowId: string,
  staticSummary: string,
  input: object,
) =>
  reached(client, workflowId, () =>
    client.workflow.start(workflowType, {
      workflowId,
      taskQueue: TASK_QUEUES.settlement,
      args: [input],
      staticSummary,
    }),
  );

/** Already running is success. Failure: `dependency_unavailable`. */
async function reached(
  client: Client,
  workflowId: string,
  call: () => Promise<unknown>,
): Promise<Result<{ workflowId: string }>> {
  try {
    await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, call);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return ok({ workflowId });
    if (!isUnreached(error)) throw error;
    return err(WORKFLOWS_UNAVAILABLE);
  }
  return ok({ workflowId });
}
