import { TASK_QUEUES } from './campaign-lifecycle.js';
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
];
