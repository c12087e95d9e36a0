import { err, ok, type Result } from '../domain/result.js';
import type { PaymentProvider } from '../infra/payment-provider.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import type { SecretBox } from '../infra/secret-box.js';
import { derivedId } from './campaign-ids.js';
import { isActive, NOT_ACTIVE } from './order-top-up.js';

export interface BillingMethod {
  readonly billingMethodId: string;
  readonly advertiserId: string;
  readonly cardIssuer: string;
  readonly maskedCard: string;
  readonly createdAt: Date;
}

export interface BillingDeps {
  readonly pool: DatabasePool;
  readonly payments: PaymentProvider;
  readonly secrets: SecretBox;
}

const COLUMNS = `id AS "billingMethodId", advertiser_id AS "advertiserId", card_issuer AS "cardIssuer",
  masked_card AS "maskedCard", created_at AS "createdAt"`;

/** Cards in use, the one that is charged first: the newest. */
export async function listBillingMethods(db: Queryable, advertiserId: string): Promise<BillingMethod[]> {
  const { rows } = await db.query<BillingMethod>(
    `SELECT ${COLUMNS} FROM billing_method WHERE advertiser_id = $1 AND removed_at IS NULL
     ORDER BY created_at DESC, id`,
    [advertiserId],
  );
  return rows;
}

/** The name of the advertiser at the payment provider: no personal data, and always the same. */
export const customerKeyOf = (advertiserId: string) => `ads_${advertiserId}`;

/**
 * Registers the card behind an `authKey` of the provider's own window. The key counts once at the provider; a
 * repeat finds the card that it made.
 */
export async function registerBillingMethod(
  deps: BillingDeps,
  input: { readonly advertiserId: string; readonly authKey: string; readonly createdBy: string },
): Promise<Result<{ method: BillingMethod; created: boolean }>> {
  const { advertiserId, authKey, createdBy } = input;
  const id = derivedId('bil', `${advertiserId}|${authKey}`);
  const known = await readMethod(deps.pool, id);
  if (known !== null) return ok({ method: known, created: false });
  if (!(await isActive(deps.pool, advertiserId))) return err(NOT_ACTIVE);
  const customerKey = customerKeyOf(advertiserId);
  const issued = await deps.payments.issueBillingKey({ authKey, customerKey });
  if (!issued.ok) return err(refusedCard(issued.error.message));
  const { billingKey, card } = issued.value;
  await deps.pool.query(
    `INSERT INTO billing_method (id, advertiser_id, customer_key, sealed_billing_key, card_issuer, masked_card,
       created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, business_now()) ON CONFLICT (id) DO NOTHING`,
    [
      id,
      advertiserId,
      customerKey,
      deps.secrets.seal(billingKey, advertiserId),
      card.issuer,
      card.maskedNumber,
      createdBy,
    ],
  );
  const method = await readMethod(deps.pool, id);
  return method === null ? err(refusedCard('The card is gone again.')) : ok({ method, created: true });
}

const refusedCard = (message: string) => ({
  code: 'card_not_registered',
  message,
  nextStep: 'Open the card window again; its key counts once.',
  field: 'body.authKey',
});

async function readMethod(db: Queryable, id: string): Promise<BillingMethod | null> {
  const { rows } = await db.query<BillingMethod>(
    `SELECT ${COLUMNS} FROM billing_method WHERE id = $1 AND removed_at IS NULL`,
    [id],
  );
  return rows[0] ?? null;
}

/** The sealed key is erased with the removal. Without any card the automatic top-up goes off. */
export async function removeBillingMethod(
  pool: DatabasePool,
  advertiserId: string,
  billingMethodId: string,
): Promise<{ removed: boolean }> {
  return withRetriedTransaction(pool, async (client) => {
    await client.query('SELECT FROM auto_top_up WHERE advertiser_id = $1 FOR UPDATE', [advertiserId]);
    const { rowCount } = await client.query(
      `UPDATE billing_method SET removed_at = business_now(), sealed_billing_key = NULL
       WHERE id = $1 AND advertiser_id = $2 AND removed_at IS NULL`,
      [billingMethodId, advertiserId],
    );
    await client.query(
      `UPDATE auto_top_up SET enabled = false, disabled_reason = 'no_billing_method', updated_at = business_now()
       WHERE advertiser_id = $1 AND enabled
         AND NOT EXISTS (SELECT FROM billing_method b WHERE b.advertiser_id = $1 AND b.removed_at IS NULL)`,
      [advertiserId],
    );
    return { removed: rowCount === 1 };
  });
}

/** What a charge needs; null when the card was removed. The opened key never leaves the caller. */
export async function openBillingKey(
  deps: Pick<BillingDeps, 'pool' | 'secrets'>,
  advertiserId: string,
): Promise<{ customerKey: string; billingKey: string } | null> {
  const { rows } = await deps.pool.query<{ customerKey: string; sealed: string }>(
    `SELECT customer_key AS "customerKey", sealed_billing_key AS sealed FROM billing_method
     WHERE advertiser_id = $1 AND removed_at IS NULL ORDER BY created_at DESC, id LIMIT 1`,
    [advertiserId],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return { customerKey: row.customerKey, billingKey: deps.secrets.open(row.sealed, advertiserId) };
}
