import { err, type Failure, ok, type Result } from '../domain/result.js';
import {
  CARD_CHECKOUT_MINUTES,
  DEPOSIT_DAYS,
  type DepositBankCode,
  type OrderedMethod,
  topUpAmountProblem,
} from '../domain/top-up.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { derivedId } from './campaign-ids.js';
import { readTopUp, type TopUp } from './top-up-read.js';

export interface TopUpRequest {
  readonly advertiserId: string;
  readonly amountKrw: number;
  readonly method: OrderedMethod;
  /** Of the virtual account; ignored for a card. */
  readonly bankCode: DepositBankCode;
  readonly requestedBy: string;
  /** The same key of the same advertiser always means the same top-up. */
  readonly idempotencyKey: string;
}

/** A new order of money, not paid yet. A repeated key answers with the order that it made first, as it is now. */
export async function orderTopUp(
  pool: DatabasePool,
  request: TopUpRequest,
): Promise<Result<{ topUp: TopUp; created: boolean }>> {
  const topUpId = derivedId('top', `${request.advertiserId}|${request.idempotencyKey}`);
  return withRetriedTransaction(pool, async (client) => {
    const existing = await readTopUp(client, topUpId);
    if (existing !== null)
      return isSameOrder(existing, request) ? ok({ topUp: existing, created: false }) : err(KEY_REUSED);
    const problem = topUpAmountProblem(request.amountKrw);
    if (problem !== null) return err(amountFailure(problem));
    if (!(await isActive(client, request.advertiserId))) return err(NOT_ACTIVE);
    await insertOrder(client, topUpId, request);
    const topUp = await readTopUp(client, topUpId);
    return topUp === null ? err(KEY_REUSED) : ok({ topUp, created: true });
  });
}

const isSameOrder = (order: TopUp, request: TopUpRequest) =>
  order.amountKrw === request.amountKrw &&
  order.method === request.method &&
  (order.method === 'card' || order.bankCode === request.bankCode);

export async function isActive(client: Queryable, advertiserId: string): Promise<boolean> {
  const { rows } = await client.query<{ status: string }>('SELECT status FROM advertiser WHERE id = $1', [
    advertiserId,
  ]);
  return rows[0]?.status === 'active';
}

async function insertOrder(client: Queryable, topUpId: string, request: TopUpRequest): Promise<void> {
  const minutes = request.method === 'card' ? CARD_CHECKOUT_MINUTES : DEPOSIT_DAYS * 1_440;
  await client.query(
    `INSERT INTO top_up (id, advertiser_id, method, amount_krw, status, requested_by, bank_code, expires_at,
       created_at, updated_at)
     SELECT $1, $2, $3, $4, 'pending', $5, $6, clock_timestamp() + $7 * interval '1 minute', t.now, t.now
       FROM (SELECT business_now() AS now) t`,
    [
      topUpId,
      request.advertiserId,
      request.method,
      request.amountKrw,
      request.requestedBy,
      request.method === 'virtual_account' ? request.bankCode : null,
      minutes,
    ],
  );
}

const amountFailure = (problem: string): Failure => ({
  code: 'top_up_amount',
  message: `The amount must be ${problem}.`,
  field: 'body.amountKrw',
});

export const NOT_ACTIVE: Failure = {
  code: 'advertiser_not_active',
  message: 'Only an active advertiser can top up.',
  nextStep: 'Wait for the approval of the application, or ask support.',
};

const KEY_REUSED: Failure = {
  code: 'idempotency_key_reused',
  message: 'This idempotency key was used for another top-up.',
  nextStep: 'Use a new key for a new top-up.',
  field: 'headers.idempotency-key',
};
