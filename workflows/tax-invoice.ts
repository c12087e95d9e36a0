import { sleep } from '@temporalio/workflow';
import type { TaxInvoiceInput, TaxInvoiceSelection } from '../contracts/temporal/settlement.js';
import { outside } from './settlement-activities.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;
/** With pauses that double up to ten minutes: about two weeks, in some two thousand steps. */
const MOST_READINGS = 2_000;

/** One document that a person takes up again, or a correction. Id `tax-invoice:<advertiserId>:<month>[:<n>]`. */
export async function taxInvoice({
  taxInvoiceId,
}: TaxInvoiceInput): Promise<{ open: number; exceptions: number }> {
  const selection = { taxInvoiceId };
  await outside.approveTaxInvoices(selection);
  await outside.issueTaxInvoices(selection);
  return followToTheEnd(selection);
}

/** Reads until every document has its end or waits for a person; webhooks make most readings needless, not wrong. */
export async function followToTheEnd(
  selection: TaxInvoiceSelection,
): Promise<{ open: number; exceptions: number }> {
  let left = await outside.readTaxInvoices(selection);
  for (let reading = 1, pauseMs = FIRST_PAUSE_MS; left.open > 0 && reading < MOST_READINGS; reading += 1) {
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    left = await outside.readTaxInvoices(selection);
  }
  return left;
}
