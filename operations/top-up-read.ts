import type { TopUpMethod, TopUpStatus } from '../domain/top-up.js';
import type { Queryable } from '../infra/postgres.js';

export interface TopUp {
  readonly topUpId: string;
  readonly advertiserId: string;
  readonly method: TopUpMethod;
  readonly amountKrw: number;
  readonly status: TopUpStatus;
  readonly requestedBy: string;
  readonly paymentKey: string | null;
  readonly bankCode: string | null;
  readonly accountNumber: string | null;
  readonly accountHolder: string | null;
  readonly dueAt: Date | null;
  readonly cardIssuer: string | null;
  readonly maskedCard: string | null;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly credits: number;
  readonly reversals: number;
  /** Real time. */
  readonly expiresAt: Date;
  /** Business time, like the rest. */
  readonly createdAt: Date;
  readonly creditedAt: Date | null;
  readonly reversedAt: Date | null;
}

const COLUMNS = `id AS "topUpId", advertiser_id AS "advertiserId", method, amount_krw AS "amountKrw", status,
  requested_by AS "requestedBy", payment_key AS "paymentKey", bank_code AS "bankCode",
  account_number AS "accountNumber", account_holder AS "accountHolder", due_at AS "dueAt",
  card_issuer AS "cardIssuer", masked_card AS "maskedCard", failure_code AS "failureCode",
  failure_message AS "failureMessage", credits, reversals, expires_at AS "expiresAt", created_at AS "createdAt",
  credited_at AS "creditedAt", reversed_at AS "reversedAt"`;

export async function readTopUp(
  db: Queryable,
  topUpId: string,
  options: { readonly lock?: boolean } = {},
): Promise<TopUp | null> {
  const { rows } = await db.query<TopUp>(
    `SELECT ${COLUMNS} FROM top_up WHERE id = $1 ${options.lock === true ? 'FOR UPDATE' : ''}`,
    [topUpId],
  );
  return rows[0] ?? null;
}

export interface TopUpFilter {
  /** Null: all advertisers. */
  readonly advertiserId: string | null;
  readonly status?: TopUpStatus | undefined;
  /** Only orders before this one: (createdAt in epoch ms, id). */
  readonly before: readonly [createdAtMs: number, topUpId: string] | null;
  readonly limit: number;
}

/** The newest order first, ties by id. Reads `limit + 1` rows. */
export async function listTopUps(db: Queryable, filter: TopUpFilter): Promise<TopUp[]> {
  const [beforeMs, beforeId] = filter.before ?? [null, null];
  const { rows } = await db.query<TopUp>(
    `SELECT ${COLUMNS} FROM top_up
      WHERE ($1::text IS NULL OR advertiser_id = $1) AND ($2::text IS NULL OR status = $2)
        AND ($3::bigint IS NULL OR (created_at, id) < (to_timestamp($3 / 1000.0), $4))
      ORDER BY created_at DESC, id DESC LIMIT $5 + 1`,
    [filter.advertiserId, filter.status ?? null, beforeMs, beforeId, filter.limit],
  );
  return rows;
}
