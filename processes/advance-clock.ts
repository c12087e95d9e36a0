import { parseArgs } from 'node:util';
import { createPool } from '../infra/postgres.js';
import { advanceBusinessClock } from '../operations/advance-business-clock.js';
import type { ProcessContext } from './process.js';

/**
 * `advance-clock --by-ms N` or `--to <ISO time>`: moves business time forward, so that a demonstration or a test
 * can reach the end of a day or a month. Refused in production.
 */
export async function advanceClock({ config }: ProcessContext, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'by-ms': { type: 'string' }, to: { type: 'string' } },
  });
  const pool = createPool(config);
  try {
    const { rows } = await pool.query<{ now: Date }>('SELECT business_now() AS now');
    const now = rows[0]?.now.getTime() ?? Date.now();
    const byMs = values.to === undefined ? Number(values['by-ms']) : Date.parse(values.to) - now;
    const moved = await advanceBusinessClock(pool, { byMs: Math.ceil(byMs), environment: config.ADS_ENV });
    if (!moved.ok) {
      process.stderr.write(`${moved.error.code}: ${moved.error.message}\n`);
      return 1;
    }
    process.stdout.write(`business time is ${new Date(Date.now() + moved.value.offsetMs).toISOString()}\n`);
    return 0;
  } finally {
    await pool.end();
  }
}
