import { MOST_MS_AT_ONCE } from '../contracts/http/business-clock.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { ensurePartitions } from './ensure-partitions.js';

export type AdvanceClockFailure = Failure & {
  readonly code: 'clock_is_fixed_in_production' | 'not_forward' | 'too_far';
};

export interface ClockAdvance {
  readonly environment: 'development' | 'test' | 'production';
  readonly actor?: { readonly actorId: string; readonly actorRole: string };
}

const FIXED: AdvanceClockFailure = {
  code: 'clock_is_fixed_in_production',
  message: 'In production business time is real time.',
};
const NOT_FORWARD: AdvanceClockFailure = {
  code: 'not_forward',
  message: 'The business clock only moves forward, by whole milliseconds.',
  nextStep: 'Read GET /v1/business-clock and name a later time.',
};
const TOO_FAR: AdvanceClockFailure = {
  code: 'too_far',
  message: 'The business clock moves by at most 100 days at a time, because it never goes back.',
  nextStep: 'Name a nearer time, or move it in several steps.',
};

/**
 * Moves business time forward, by whole milliseconds or to an instant, and makes the partitions that it now needs.
 * Returns the new offset. Refused in production, where business time is real time.
 */
export async function advanceBusinessClock(
  pool: DatabasePool,
  input: ClockAdvance & ({ readonly byMs: number } | { readonly toMs: number }),
): Promise<Result<{ offsetMs: number }, AdvanceClockFailure>> {
  if (input.environment === 'production') return err(FIXED);
  return withTransaction(pool, async (client) => {
    const byMs = 'byMs' in input ? input.byMs : input.toMs - (await lockedNowMs(client));
    if (!Number.isSafeInteger(byMs) || byMs <= 0) return err(NOT_FORWARD);
    if (byMs > MOST_MS_AT_ONCE) return err(TOO_FAR);
    const moved = await client.query<{ offset_ms: number }>(
      'UPDATE business_clock SET offset_ms = offset_ms + $1 RETURNING offset_ms',
      [byMs],
    );
    const offsetMs = moved.rows[0]?.offset_ms ?? 0;
    if (input.actor) {
      const act = {
        action: 'business_clock.advanced',
        objectType: 'business_clock',
        objectId: 'business_clock',
      };
      await auditInTransaction(client, {
        ...input.actor,
        ...act,
        via: 'console',
        detail: { byMs, offsetMs },
      });
    }
    await ensurePartitions(client);
    return ok({ offsetMs });
  });
}

/** Locked first, so that two people who move it to the same day move it once. */
async function lockedNowMs(client: Queryable): Promise<number> {
  await client.query('SELECT FROM business_clock FOR UPDATE');
  const { rows } = await client.query<{ now: Date }>('SELECT business_now() AS now');
  if (!rows[0]) throw new Error('the business clock has no row');
  return rows[0].now.getTime();
}
