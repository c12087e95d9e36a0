import { decidedStatus, type FindingStatus, type FindingVerdict } from '../domain/invalid-click-finding.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';

export const NO_SUCH_FINDING: Failure = {
  code: 'not_found',
  message: 'There is no such finding.',
  nextStep: 'See GET /v1/invalid-click-findings for those there are.',
};

/**
 * Decides with the rights of an active admin, checked here because a signal can name anybody. Repeated, it answers as
 * the first time. Failures: `forbidden`, `not_found`, `already_decided`.
 */
export async function decideFinding(
  pool: DatabasePool,
  decision: {
    readonly findingId: string;
    readonly verdict: FindingVerdict;
    readonly actorId: string;
    readonly via: 'console' | 'signal';
  },
): Promise<Result<FindingStatus>> {
  const { findingId, verdict, actorId, via } = decision;
  return withTransaction(pool, async (client) => {
    const { rowCount: admins } = await client.query(
      `SELECT FROM user_account WHERE id = $1 AND role = 'admin' AND status = 'active'`,
      [actorId],
    );
    if (admins !== 1) return err({ code: 'forbidden', message: 'Only an active admin may decide this.' });
    const current = await lockStatus(client, findingId);
    if (current === null) return err(NO_SUCH_FINDING);
    const next = decidedStatus(current, verdict);
    if (!next.ok || next.value === current) return next;
    await client.query(
      `UPDATE invalid_click_finding SET status = $2, decided_at = business_now(), decided_by = $3,
         finished_at = CASE WHEN $2 = 'withdrawn' THEN business_now() END WHERE id = $1`,
      [findingId, next.value, actorId],
    );
    await auditInTransaction(client, {
      actorId,
      actorRole: 'admin',
      via,
      action: verdict === 'confirm' ? 'invalid_click_finding.confirmed' : 'invalid_click_finding.withdrawn',
      objectType: 'invalid_click_finding',
      objectId: findingId,
    });
    return ok(next.value);
  });
}

async function lockStatus(client: Queryable, findingId: string): Promise<FindingStatus | null> {
  const { rows } = await client.query<{ status: FindingStatus }>(
    'SELECT status FROM invalid_click_finding WHERE id = $1 FOR UPDATE',
    [findingId],
  );
  return rows[0]?.status ?? null;
}

/** Nobody confirmed it in time; one that was decided meanwhile stays as it is. */
export async function expireFinding(pool: DatabasePool, findingId: string): Promise<void> {
  await pool.query(
    `UPDATE invalid_click_finding SET status = 'expired', decided_at = business_now(), decided_by = 'system',
       finished_at = business_now() WHERE id = $1 AND status = 'waiting'`,
    [findingId],
  );
}
