import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import {
  TAX_INVOICE,
  type TaxInvoiceInput,
  type TaxInvoiceSelection,
} from '../contracts/temporal/settlement.js';
import { outside } from './settlement-activities.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;
/** With pauses that double up to ten minutes: about two weeks, in some two thousand steps. */
const MOST_READINGS = 2_000;

const takeUpSignal = defineSignal(TAX_INVOICE.takeUp);

/**
 * One document that a person takes up again, or a correction. Id `tax-invoice:<advertiserId>:<month>[:<n>]`. Every start
 * also signals, so that a document that is taken up once more while this run still follows it starts its way anew here.
 */
export async function taxInvoice({
  taxInvoiceId,
}: TaxInvoiceInput): Promise<{ open: number; exceptions: number }> {
  const selection = { taxInvoiceId };
  let takenUp = false;
  setHandler(takeUpSignal, () => {
    takenUp = true;
  });
  let left: { open: number; exceptions: number };
  do {
    takenUp = false;
    await outside.approveTaxInvoices(selection);
    await outside.issueTaxInvoices(selection);
    left = await followToTheEnd(selection, () => takenUp);
  } while (takenUp);
  return left;
}

/** Reads until every document has its end or waits for a person; webhooks make most readings needless, not wrong. */
export async function followToTheEnd(
  selection: TaxInvoiceSelection,
  interrupted: () => boolean = () => false,
): Promise<{ open: number; exceptions: number }> {
  let left = await outside.readTaxInvoices(selection);
  for (let reading = 1, pauseMs = FIRST_PAUSE_MS; left.open > 0 && reading < MOST_READINGS; reading += 1) {
    if (await condition(interrupted, pauseMs)) return left;
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    left = await outside.readTaxInvoices(selection);
  }
  return left;
}
