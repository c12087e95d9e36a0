import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { ensurePartitions } from './ensure-partitions.js';

export type AdvanceClockFailure = Failure & { readonly code: 'clock_is_fixed_in_production' | 'not_forward' };

/**
 * Moves business time forward by whole milliseconds and makes the partitions that it now needs. Returns the new
 * offset. Refused in production, where business time is real time.
 */
export async function advanceBusinessClock(
  pool: DatabasePool,
  input: { readonly byMs: number; readonly environment: 'development' | 'test' | 'production' },
): Promise<Result<{ offsetMs: number }, AdvanceClockFailure>> {
  if (input.environment === 'production') {
    return err({
      code: 'clock_is_fixed_in_production',
      message: 'In production business time is real time.',
    });
  }
  if (!Number.isSafeInteger(input.byMs) || input.byMs <= 0) {
    return err({
      code: 'not_forward',
      message: 'The business clock only moves forward, by whole milliseconds.',
    });
  }
  return withTransaction(pool, async (client) => {
    const moved = await client.query<{ offset_ms: number }>(
      'UPDATE business_clock SET offset_ms = offset_ms + $1 RETURNING offset_ms',
      [input.byMs],
    );
    await ensurePartitions(client);
    return ok({ offsetMs: moved.rows[0]?.offset_ms ?? 0 });
  });
}
