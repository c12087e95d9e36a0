import { parseArgs } from 'node:util';
import { isMonth } from '../domain/tax-month.js';
import { createPool } from '../infra/postgres.js';
import { createTemporalClient } from '../infra/temporal.js';
import { checkMonth } from '../operations/settlement-month.js';
import { startMonthlySettlement } from '../operations/settlement-workflow.js';
import type { ProcessContext } from './process.js';

/** `invoice --month YYYY-MM [--late]`: starts the settlement of a month in Temporal and prints the id of its workflow. */
export async function invoiceMonth({ config }: ProcessContext, args: readonly string[]): Promise<number> {
  const options = { month: { type: 'string' }, late: { type: 'boolean', default: false } } as const;
  const { month, late } = parseArgs({ args: [...args], options }).values;
  if (month === undefined || !isMonth(month)) {
    process.stderr.write('usage: invoice --month YYYY-MM [--late]\n');
    return 2;
  }
  const pool = createPool(config);
  const temporal = createTemporalClient(config);
  try {
    const input = { month, late, requestedBy: 'cli' };
    const checked = await checkMonth(pool, input);
    const started = checked.ok ? await startMonthlySettlement(temporal.client, input) : checked;
    if (!started.ok) {
      process.stderr.write(`${started.error.code}: ${started.error.message}\n`);
      return 1;
    }
    process.stdout.write(`${started.value.workflowId}\n`);
    return 0;
  } finally {
    await temporal.close();
    await pool.end();
  }
}
