import type { BusinessDate } from '../../domain/business-date.js';
import type { Month } from '../../domain/tax-month.js';

/** Names and types only. Inputs and histories carry ids, dates and counts: never money of a person or bank data. */
export const DAILY_SETTLEMENT = { workflowType: 'dailySettlement', state: 'state' } as const;
export const SETTLE_OPEN_DAYS = { workflowType: 'settleOpenDays' } as const;
export const MONTHLY_SETTLEMENT = { workflowType: 'monthlySettlement', state: 'state' } as const;
export const MONTHLY_SETTLEMENT_DUE = { workflowType: 'monthlySettlementDue' } as const;
/** `takeUp` is a signal, sent with every start: the document begins its way again. */
export const TAX_INVOICE = { workflowType: 'taxInvoice', takeUp: 'takeUp' } as const;

/** The first run of a day has the plain id; each later one names its number. */
export const dailySettlementId = (date: BusinessDate, runNo: number) =>
  runNo === 1 ? `daily-settlement:${date}` : `daily-settlement:${date}:${runNo}`;
export const SETTLE_OPEN_DAYS_ID = 'settle-open-days';
export const monthlySettlementId = (month: Month) => `monthly-settlement:${month}`;
export const taxInvoiceWorkflowId = (advertiserId: string, month: Month, seq: number) =>
  seq === 0 ? `tax-invoice:${advertiserId}:${month}` : `tax-invoice:${advertiserId}:${month}:${seq}`;

/** What a person types behind `temporal workflow start --input`. */
export interface DailySettlementInput {
  readonly businessDate: BusinessDate;
  /** A user; absent: the schedule or the command line. */
  readonly requestedBy?: string;
}

export type SettlementStatus = 'running' | 'completed' | 'failed';

export interface DailySettlementState {
  readonly businessDate: BusinessDate;
  readonly status: SettlementStatus | 'closing';
  readonly chunks: number;
  readonly chunksSettled: number;
  readonly linesHash: string | null;
  /** How many differences were found; they stand in the run. */
  readonly differences: number;
}

export interface MonthlySettlementInput {
  readonly month: Month;
  readonly requestedBy?: string;
  /** Finance wants the documents although the last day for them has passed. */
  readonly late?: boolean;
}

export interface MonthlySettlementState {
  readonly month: Month;
  readonly step:
    | 'checking'
    | 'settling_days'
    | 'drafting'
    | 'approving'
    | 'issuing'
    | 'awaiting_authority'
    | 'done';
  readonly openDays: readonly BusinessDate[];
  /** Documents that wait for a person. */
  readonly exceptions: number;
}

export interface TaxInvoiceInput {
  readonly taxInvoiceId: string;
}

export interface OpenDay {
  readonly businessDate: BusinessDate;
  readonly workflowId: string;
}

/** Which documents a step is about: a month's invoices, or one document. */
export type TaxInvoiceSelection = { readonly month: Month } | { readonly taxInvoiceId: string };

/** Every activity can be repeated: it finds what it has done before. */
export interface SettlementActivities {
  /** Closes the day for ever. Fails with `business_day_not_over` or `invalid_date`. */
  closeDay(input: { businessDate: BusinessDate; requestedBy: string }): Promise<void>;
  /** The run of this workflow; `status` is not `running` when it ended before. */
  beginSettlement(input: {
    businessDate: BusinessDate;
    workflowId: string;
    requestedBy: string;
  }): Promise<{ runNo: number; status: SettlementStatus; linesHash: string | null; differences: number }>;
  /** Ranges of advertiser ids, first and last. */
  planSettlementChunks(input: {
    businessDate: BusinessDate;
  }): Promise<readonly (readonly [from: string, until: string])[]>;
  settleChunk(input: {
    businessDate: BusinessDate;
    runNo: number;
    from: string;
    until: string;
  }): Promise<void>;
  /** Reconciles, hashes and publishes the run, or ends it as failed and tells finance. */
  finishSettlement(input: {
    workflowId: string;
    /** Why it cannot be published whatever the figures say. */
    trouble?: string;
  }): Promise<{ status: SettlementStatus; linesHash: string | null; differences: number }>;
  /** Days that are over and have no published run, the oldest first. */
  listOpenDays(input: { month?: Month }): Promise<readonly OpenDay[]>;
  readSettlementStatus(input: { workflowId: string }): Promise<SettlementStatus | null>;
  /** Fails with `month_not_over`, `invalid_month` or `tax_invoice_deadline_passed`. */
  beginMonth(input: MonthlySettlementInput & { requestedBy: string }): Promise<void>;
  finishMonth(input: { month: Month; status: 'completed' | 'failed' }): Promise<void>;
  /** One page of advertisers; null: that was the last. */
  draftTaxInvoices(input: { month: Month; after: string }): Promise<{ next: string | null }>;
  markMonthInvoiced(input: { month: Month }): Promise<void>;
  /** Asks the business registry about a page of buyers; `more`: there is another page. */
  approveTaxInvoices(input: TaxInvoiceSelection): Promise<{ more: boolean }>;
  issueTaxInvoices(input: TaxInvoiceSelection): Promise<{ more: boolean }>;
  /** Reads what the provider says about documents under way. */
  readTaxInvoices(input: TaxInvoiceSelection): Promise<{ open: number; exceptions: number }>;
  /** The month that is due now, and tells finance when its time runs out. */
  planMonth(): Promise<{ due: Month | null }>;
}
