import { parseArgs } from 'node:util';
import { isBusinessDate } from '../domain/business-date.js';
import { createPool } from '../infra/postgres.js';
import { createTemporalClient } from '../infra/temporal.js';
import { nextSettlementOf } from '../operations/settlement-month.js';
import { startDailySettlement, startSettlingOpenDays } from '../operations/settlement-workflow.js';
import type { ProcessContext } from './process.js';

const USAGE = 'usage: settle --date YYYY-MM-DD | --all-open\n';
const REQUESTED_BY = 'cli';

/**
 * `settle --date D` or `--all-open`: starts the settlement in Temporal and prints the id of its workflow. The same from
 * the Temporal CLI: `temporal workflow start --task-queue settlement --type dailySettlement
 * --workflow-id daily-settlement:D --input '{"businessDate":"D"}'`.
 */
export async function settle({ config }: ProcessContext, args: readonly string[]): Promise<number> {
  const options = { date: { type: 'string' }, 'all-open': { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const { date } = values;
  if (
    (date === undefined) === (values['all-open'] !== true) ||
    (date !== undefined && !isBusinessDate(date))
  ) {
    process.stderr.write(USAGE);
    return 2;
  }
  const pool = createPool(config);
  const temporal = createTemporalClient(config);
  try {
    const day = date === undefined ? null : await nextSettlementOf(pool, date);
    if (day?.ok === false) return refused(day.error);
    const started =
      day === null
        ? await startSettlingOpenDays(temporal.client, REQUESTED_BY)
        : await startDailySettlement(temporal.client, day.value, REQUESTED_BY);
    if (!started.ok) return refused(started.error);
    process.stdout.write(`${started.value.workflowId}\n`);
    return 0;
  } finally {
    await temporal.close();
    await pool.end();
  }
}

function refused({ code, message }: { readonly code: string; readonly message: string }): number {
  process.stderr.write(`${code}: ${message}\n`);
  return 1;
}
