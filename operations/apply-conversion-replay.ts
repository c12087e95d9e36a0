import { attributionRanges } from '../domain/conversion-replay.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, insertRows, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import type { ReplayActor } from './begin-conversion-replay.js';
import { takeLaterReversals } from './finish-conversion-replay.js';
import {
  type ConversionReplayRow,
  NO_SUCH_REPLAY,
  readAppliedReplays,
  readConversionReplay,
} from './read-conversion-replays.js';

type Named = ReplayActor & { readonly id: number };

const wrongState = ({ id, state }: ConversionReplayRow, wanted: string): Failure => ({
  code: 'wrong_status',
  message: `Replay ${id} is ${state}.`,
  nextStep: wanted,
});

/**
 * From now on reports show the order lines of the replay's range as it matched them. Nothing else changes: no row of
 * conversion_result, no ledger entry, no charge, no settlement line. Safe to repeat.
 * Failures: `not_found`, `wrong_status` (running or failed).
 */
export async function applyConversionReplay(
  pool: DatabasePool,
  request: Named,
): Promise<Result<ConversionReplayRow>> {
  return withTransaction(pool, async (client) => {
    const replay = await lockedReplay(client, request.id);
    if (replay === null) return err(NO_SUCH_REPLAY);
    if (replay.state === 'applied') return ok(replay);
    if (replay.state !== 'done' && replay.state !== 'undone')
      return err(wrongState(replay, 'Only a replay that is done can be applied.'));
    await takeLaterReversals(client, replay.id);
    await client.query(
      `UPDATE conversion_replay SET state = 'applied', applied_at = now(), applied_by = $2,
         applied_no = 1 + coalesce((SELECT max(applied_no) FROM conversion_replay), 0) WHERE id = $1`,
      [replay.id, request.actorId],
    );
    return showAndTell(client, request, 'conversion_replay.applied');
  });
}

/**
 * Reports show what they showed before: an earlier replay where one is applied, else the deployed rules. Safe to
 * repeat. Failures: `not_found`, `wrong_status` (it was never applied).
 */
export async function undoConversionReplay(
  pool: DatabasePool,
  request: Named,
): Promise<Result<ConversionReplayRow>> {
  return withTransaction(pool, async (client) => {
    const replay = await lockedReplay(client, request.id);
    if (replay === null) return err(NO_SUCH_REPLAY);
    if (replay.state === 'undone') return ok(replay);
    if (replay.state !== 'applied')
      return err(wrongState(replay, 'Only a replay that is applied can be undone.'));
    await client.query(`UPDATE conversion_replay SET state = 'undone', applied_no = NULL WHERE id = $1`, [
      replay.id,
    ]);
    return showAndTell(client, request, 'conversion_replay.undone');
  });
}

/** One after the other: the ranges are made of all applied replays. Readers do not wait. */
async function lockedReplay(client: Queryable, id: number): Promise<ConversionReplayRow | null> {
  await client.query('LOCK TABLE conversion_attribution_range IN SHARE ROW EXCLUSIVE MODE');
  return readConversionReplay(client, id, { lock: true });
}

const COLUMNS = [
  ['from_ms', 'bigint'],
  ['to_ms', 'bigint'],
  ['replay_id', 'integer'],
] as const;

async function showAndTell(
  client: Queryable,
  { id, actorId, actorRole, via }: Named,
  action: string,
): Promise<Result<ConversionReplayRow>> {
  const ranges = attributionRanges(await readAppliedReplays(client));
  await client.query('DELETE FROM conversion_attribution_range');
  const rows = ranges.map(({ fromMs, toMs, replayId }) => [fromMs, toMs, replayId]);
  await insertRows(client, 'conversion_attribution_range', COLUMNS, rows);
  const replay = await readConversionReplay(client, id);
  if (replay === null) return err(NO_SUCH_REPLAY);
  const { rules, fromMs, toMs } = replay;
  await auditInTransaction(client, {
    actorId,
    actorRole,
    via,
    action,
    objectType: 'conversion_replay',
    objectId: String(id),
    detail: { rules, fromMs, toMs },
  });
  return ok(replay);
}
