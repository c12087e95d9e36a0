import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { type ConversionReplayRow, readConversionReplay } from './read-conversion-replays.js';

/** The job has read the log to its end and written every row: counts them. Safe to repeat. */
export async function completeConversionReplay(
  pool: DatabasePool,
  id: number,
): Promise<ConversionReplayRow | null> {
  return withTransaction(pool, async (client) => {
    const replay = await readConversionReplay(client, id, { lock: true });
    if (replay?.state !== 'running') return replay;
    await takeLaterReversals(client, id);
    await client.query(
      `UPDATE conversion_replay p SET state = 'done', finished_at = now(), conversions = c.conversions,
         direct = c.direct, reversed = c.reversed, value_krw = c.value
       FROM (SELECT count(*)::int AS conversions, count(*) FILTER (WHERE match = 'direct')::int AS direct,
               count(reversed_at_ms)::int AS reversed, coalesce(sum(conversion_value_krw), 0)::bigint AS value
             FROM conversion_replay_row WHERE replay_id = $1) c
       WHERE p.id = $1`,
      [id],
    );
    return readConversionReplay(client, id);
  });
}

/**
 * Cancellations that were recorded while the replay was running reached no row that was not there yet; from its end on
 * a trigger carries them.
 */
export async function takeLaterReversals(db: Queryable, id: number): Promise<void> {
  await db.query(
    `UPDATE conversion_replay_row r SET reversed_at_ms = x.cancelled_at_ms FROM order_line_cancellation x
     WHERE r.replay_id = $1 AND r.reversed_at_ms IS NULL AND x.order_line_id = r.order_line_id
       AND x.cancelled_at_ms - r.converted_at_ms <= x.horizon_ms`,
    [id],
  );
}

/** It will not end any more: its rows go, and the reason stays. Safe to repeat. */
export async function failConversionReplay(
  pool: DatabasePool,
  id: number,
  reason: string,
  cancelledBy?: { readonly actorId: string; readonly actorRole: string; readonly via: 'console' | 'cli' },
): Promise<ConversionReplayRow | null> {
  return withTransaction(pool, async (client) => {
    const replay = await readConversionReplay(client, id, { lock: true });
    if (replay?.state !== 'running') return replay;
    await client.query(
      `UPDATE conversion_replay SET state = 'failed', detail = $2, finished_at = now() WHERE id = $1`,
      [id, reason.slice(0, 1_000)],
    );
    await client.query('DELETE FROM conversion_replay_row WHERE replay_id = $1', [id]);
    if (cancelledBy !== undefined)
      await auditInTransaction(client, {
        ...cancelledBy,
        action: 'conversion_replay.cancelled',
        objectType: 'conversion_replay',
        objectId: String(id),
      });
    return readConversionReplay(client, id);
  });
}
