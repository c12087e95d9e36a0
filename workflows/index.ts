/** Everything that a worker of the queue `business` can run. */
export { advertiserOnboarding } from './advertiser-onboarding.js';
export { autoTopUp } from './auto-top-up.js';
export { campaignLifecycle } from './campaign-lifecycle.js';
export { dailyInvalidClicks } from './daily-invalid-clicks.js';
export { dailyMonitoring } from './daily-monitoring.js';
export { dailySettlement, settleOpenDays } from './daily-settlement.js';
export { invalidClickReversal } from './invalid-click-reversal.js';
export { monthlySettlement, monthlySettlementDue } from './monthly-settlement.js';
export { quarterlyTuning } from './quarterly-tuning.js';
export { taxInvoice } from './tax-invoice.js';
export { topUp } from './top-up.js';
export { weeklyBidOptimization } from './weekly-bid-optimization.js';
