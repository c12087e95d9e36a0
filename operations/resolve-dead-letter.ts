import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { type DeadLetterRow, readDeadLetter } from './read-dead-letters.js';

export interface DeadLetterActor {
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'cli';
}

export const NO_SUCH_DEAD_LETTER: Failure = {
  code: 'not_found',
  message: 'There is no such dead letter.',
  nextStep: 'See GET /v1/dead-letters for those there are.',
};

export const resolvedAlready = ({ id, resolvedBy }: DeadLetterRow): Failure => ({
  code: 'wrong_status',
  message: `Dead letter ${id} was resolved${resolvedBy === null ? '' : ` by ${resolvedBy}`}.`,
  nextStep: 'Nothing is left to do for it.',
});

/**
 * A person has looked and says why this record needs no outcome (a click that never was one, or one that was paid for
 * otherwise). It counts as unresolved no longer, so days can be closed. Failures: `not_found`, `wrong_status`.
 */
export async function resolveDeadLetter(
  pool: DatabasePool,
  request: DeadLetterActor & { readonly id: number; readonly note: string },
): Promise<Result<DeadLetterRow>> {
  return withTransaction(pool, async (client) => {
    const letter = await readDeadLetter(client, request.id, { lock: true });
    if (letter === null) return err(NO_SUCH_DEAD_LETTER);
    if (letter.resolvedAt !== null) return err(resolvedAlready(letter));
    await client.query(RESOLVE, [request.id, request.actorId, request.note]);
    const { actorId, actorRole, via } = request;
    await auditInTransaction(client, {
      actorId,
      actorRole,
      via,
      action: 'dead_letter.resolved',
      objectType: 'dead_letter',
      objectId: String(request.id),
      detail: { note: request.note, failures: letter.failures },
    });
    return ok((await readDeadLetter(client, request.id)) ?? letter);
  });
}

const BY_WORKER = 'balance-worker';

export interface TakenReplay {
  readonly id: number;
  /** What was taken. Another record that names this letter does not end it: its own click would have no outcome. */
  readonly value: Buffer | null;
  readonly resolution: string;
}

/** Replayed records whose clicks have their outcome: nobody has to look at them any more. Safe to repeat. */
export async function resolveTakenDeadLetters(
  pool: DatabasePool,
  taken: readonly TakenReplay[],
): Promise<void> {
  for (const { id, value, resolution } of taken) {
    await pool.query(`${RESOLVE} AND value IS NOT DISTINCT FROM $4::bytea`, [
      id,
      BY_WORKER,
      resolution,
      value,
    ]);
  }
}

const RESOLVE = `UPDATE dead_letter SET resolved_at = now(), resolved_by = $2, resolution = $3
  WHERE id = $1 AND resolved_at IS NULL`;
