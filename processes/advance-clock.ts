import { parseArgs } from 'node:util';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import { createTemporalClient } from '../infra/temporal.js';
import { advanceBusinessClock } from '../operations/advance-business-clock.js';
import { tellCampaignsThatClockMoved } from '../operations/tell-clock-moved.js';
import type { ProcessContext } from './process.js';

/**
 * `advance-clock --by-ms N` or `--to <ISO time>`: moves business time forward, so that a demonstration or a test
 * can reach the end of a day or a month, and tells the campaigns to plan their end again. Refused in production.
 */
export async function advanceClock(context: ProcessContext, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'by-ms': { type: 'string' }, to: { type: 'string' } },
  });
  const pool = createPool(context.config);
  try {
    const byMs =
      values.to === undefined ? Number(values['by-ms']) : Date.parse(values.to) - (await businessNowMs(pool));
    const moved = await advanceBusinessClock(pool, {
      byMs: Math.ceil(byMs),
      environment: context.config.ADS_ENV,
    });
    if (!moved.ok) {
      process.stderr.write(`${moved.error.code}: ${moved.error.message}\n`);
      return 1;
    }
    const told = await tellCampaigns(context, pool);
    const time = new Date(Date.now() + moved.value.offsetMs).toISOString();
    process.stdout.write(`business time is ${time}; ${told} campaigns plan their end again\n`);
    return 0;
  } finally {
    await pool.end();
  }
}

async function businessNowMs(pool: DatabasePool): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>('SELECT business_now() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}

async function tellCampaigns({ config, log }: ProcessContext, pool: DatabasePool): Promise<number> {
  const temporal = createTemporalClient(config);
  try {
    return await tellCampaignsThatClockMoved(pool, temporal.client, log);
  } finally {
    await temporal.close();
  }
}
