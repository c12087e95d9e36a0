import { TASK_QUEUES } from './campaign-lifecycle.js';
import { DAILY_INVALID_CLICKS } from './invalid-click-finding.js';
import {
  DAILY_MONITORING,
  MONITORING_WORKFLOW_IDS,
  QUARTERLY_TUNING,
  WEEKLY_BID_OPTIMIZATION,
} from './monitoring.js';
import { MONTHLY_SETTLEMENT_DUE, SETTLE_OPEN_DAYS, SETTLE_OPEN_DAYS_ID } from './settlement.js';

export interface ScheduleSpec {
  readonly scheduleId: string;
  /** Why it runs then, for the Temporal UI. */
  readonly note: string;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly taskQueue: string;
  /** In Korean time. */
  readonly cron: string;
  /** How far back missed runs are made up for. */
  readonly catchupWindow: `${number} days`;
}

/** Everything that runs by the calendar; made at the start of the Temporal worker, changed here only. */
export const SCHEDULES: readonly ScheduleSpec[] = [
  {
    scheduleId: 'daily-settlement',
    note: 'Settles every day that is over and not settled yet, the oldest first.',
    workflowType: SETTLE_OPEN_DAYS.workflowType,
    workflowId: SETTLE_OPEN_DAYS_ID,
    taskQueue: TASK_QUEUES.settlement,
    cron: '10 0 * * *',
    catchupWindow: '30 days',
  },
  {
    scheduleId: 'monthly-settlement',
    note: 'From business day 3 settles the month before; from the 8th tells finance what is still open.',
    workflowType: MONTHLY_SETTLEMENT_DUE.workflowType,
    workflowId: 'monthly-settlement-due',
    taskQueue: TASK_QUEUES.settlement,
    cron: '0 9 * * *',
    catchupWindow: '30 days',
  },
  {
    scheduleId: 'daily-monitoring',
    note: 'Tells every advertiser the results of yesterday, with advice about the budgets.',
    workflowType: DAILY_MONITORING.workflowType,
    workflowId: MONITORING_WORKFLOW_IDS.daily,
    taskQueue: TASK_QUEUES.business,
    cron: '0 8 * * *',
    catchupWindow: '1 days',
  },
  {
    scheduleId: 'daily-invalid-clicks',
    note: 'Looks for bursts of clicks in the last day of which every click has arrived, for an admin to decide.',
    workflowType: DAILY_INVALID_CLICKS.workflowType,
    workflowId: DAILY_INVALID_CLICKS.workflowId,
    taskQueue: TASK_QUEUES.settlement,
    cron: '30 9 * * *',
    catchupWindow: '1 days',
  },
  {
    scheduleId: 'weekly-bid-optimization',
    note: 'Proposes bounded changes of bids from the last seven days, for the sellers to accept.',
    workflowType: WEEKLY_BID_OPTIMIZATION.workflowType,
    workflowId: MONITORING_WORKFLOW_IDS.weekly,
    taskQueue: TASK_QUEUES.business,
    cron: '30 8 * * 1',
    catchupWindow: '3 days',
  },
  {
    scheduleId: 'quarterly-tuning',
    note: 'Proposes ranking parameters from the last quarter, for an admin to decide.',
    workflowType: QUARTERLY_TUNING.workflowType,
    workflowId: MONITORING_WORKFLOW_IDS.quarterly,
    taskQueue: TASK_QUEUES.business,
    cron: '0 9 2 1,4,7,10 *',
    catchupWindow: '30 days',
  },
];
