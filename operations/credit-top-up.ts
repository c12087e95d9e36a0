import { topUpLines } from '../domain/ledger.js';
import { toKrw } from '../domain/money.js';
import { err, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import {
  amountProblem,
  type MoneyFailure,
  type MoneyOrder,
  type PostedMoney,
  postOnce,
} from './post-once.js';
import { readReceivable } from './receivables.js';

export interface TopUpCredit {
  /** Business key of the payment, such as `top-up:<topUpId>`; a repeated key credits nothing. */
  readonly idempotencyKey: string;
  readonly advertiserId: string;
  readonly amountKrw: number;
  readonly memo?: string;
  readonly bidFloorKrw?: number;
  /** Further rows of the same transaction. */
  readonly alongside?: NonNullable<MoneyOrder['alongside']>;
}

/**
 * Paid money arrives: what the advertiser owes is paid first, the rest reaches the wallet, and what stood still for
 * lack of balance is served again.
 */
export async function creditTopUp(
  pool: DatabasePool,
  credit: TopUpCredit,
): Promise<Result<PostedMoney, MoneyFailure>> {
  const problem = amountProblem(credit.amountKrw);
  if (problem !== null) return err(problem);
  return postOnce(pool, {
    ...credit,
    cause: 'top_up',
    memo: credit.memo ?? null,
    lines: async (client) =>
      topUpLines(toKrw(credit.amountKrw), await readReceivable(client, credit.advertiserId)),
  });
}
