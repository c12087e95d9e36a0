import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { SCHEDULES, type ScheduleSpec } from '../contracts/temporal/schedules.js';

const TIME_ZONE = 'Asia/Seoul';

/**
 * Makes or corrects every schedule of the list; done by each start of the worker. A person who paused one in the
 * Temporal UI finds it paused afterwards. Missed runs are made up for one after the other.
 */
export async function ensureSchedules(
  client: Client,
  schedules: readonly ScheduleSpec[] = SCHEDULES,
): Promise<void> {
  for (const schedule of schedules) {
    const options = optionsOf(schedule);
    try {
      await client.schedule.create({
        scheduleId: schedule.scheduleId,
        ...options,
        state: { note: schedule.note },
      });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      const handle = client.schedule.getHandle(schedule.scheduleId);
      await handle.update(({ state }) => ({ ...options, state: { ...state, note: schedule.note } }));
    }
  }
}

function optionsOf(schedule: ScheduleSpec) {
  return {
    spec: { cronExpressions: [schedule.cron], timezone: TIME_ZONE },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ALL, catchupWindow: schedule.catchupWindow },
    action: {
      type: 'startWorkflow' as const,
      workflowType: schedule.workflowType,
      workflowId: schedule.workflowId,
      taskQueue: schedule.taskQueue,
      args: [{}],
    },
  };
}
