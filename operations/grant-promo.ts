import { promoGrantLines } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import { err, ok, type Result } from '../domain/result.js';
import type { DatabasePool, Queryable } from '../infra/postgres.js';
import type { Booking } from './post-ledger.js';
import { amountProblem, type MoneyFailure, type PostedMoney, postOnce } from './post-once.js';

export interface PromoGrant {
  /** Business key of the grant; also names the lot. A repeated key grants nothing. */
  readonly idempotencyKey: string;
  readonly advertiserId: string;
  readonly amountKrw: number;
  /** Epoch ms of business time; from then on the lot is not spent any more. */
  readonly expiresAt: number;
  readonly memo?: string;
  readonly bidFloorKrw?: number;
}

/** Promo money arrives as one lot with an expiry. Never invoiced, never refunded. */
export async function grantPromo(
  pool: DatabasePool,
  grant: PromoGrant,
): Promise<Result<PostedMoney, MoneyFailure>> {
  const problem = amountProblem(grant.amountKrw);
  if (problem !== null) return err(problem);
  const { expiresAt, ...order } = grant;
  return postOnce(pool, {
    ...order,
    cause: 'promo_grant',
    memo: grant.memo ?? null,
    lines: promoGrantLines(toKrw(grant.amountKrw)),
    alongside: (client, booking) => insertLot(client, grant, booking),
  });
}

async function insertLot(
  client: Queryable,
  grant: PromoGrant,
  booking: Booking,
): Promise<Result<null, MoneyFailure>> {
  if (!(grant.expiresAt > booking.bookedAt.getTime())) {
    return err({
      code: 'expires_in_the_past',
      message: 'Promo money must expire in the future.',
      field: 'expiresAt',
    });
  }
  await client.query(
    `INSERT INTO promo_lot (advertiser_id, granted_krw, remaining_krw, granted_at, expires_at, origin)
     VALUES ($1, $2, $2, $3, $4, $5)`,
    [grant.advertiserId, grant.amountKrw, booking.bookedAt, new Date(grant.expiresAt), grant.idempotencyKey],
  );
  return ok(null);
}
