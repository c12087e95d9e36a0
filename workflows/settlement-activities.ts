import { proxyActivities } from '@temporalio/workflow';
import type { SettlementActivities } from '../contracts/temporal/settlement.js';

/** Set-based statements over one day: minutes at the most, and repeated until the store is back. */
export const books = proxyActivities<
  Omit<SettlementActivities, 'approveTaxInvoices' | 'issueTaxInvoices' | 'readTaxInvoices'>
>({
  startToCloseTimeout: '5 minutes',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** Calls to the registry and the tax invoice provider: an outage of theirs is waited for. */
export const outside = proxyActivities<
  Pick<SettlementActivities, 'approveTaxInvoices' | 'issueTaxInvoices' | 'readTaxInvoices'>
>({
  startToCloseTimeout: '5 minutes',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});
