import { type ClickId, issuedMonthOf } from '../domain/click-id.js';
import type { ClickOutcome, ClickReason } from '../domain/click-outcome.js';
import type { Queryable } from '../infra/postgres.js';

export interface DecidedClick {
  readonly outcome: ClickOutcome;
  readonly reason: ClickReason | null;
  readonly chargedCpcKrw: number;
}

/** How this click ended; null while it is undecided, and for a click that never was. Reads one partition. */
export async function findClick(db: Queryable, clickId: ClickId): Promise<DecidedClick | null> {
  const { rows } = await db.query<DecidedClick>({
    name: 'find-click',
    text: `SELECT outcome, reason, charged_krw AS "chargedCpcKrw"
             FROM click_charge WHERE click_id = $1 AND issued_month = $2`,
    values: [clickId, issuedMonthOf(clickId)],
  });
  return rows[0] ?? null;
}
