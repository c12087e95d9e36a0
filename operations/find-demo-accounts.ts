import { DEMO } from '../contracts/demo.js';
import type { Queryable } from '../infra/postgres.js';
import { parseApiKey } from './verify-api-key.js';

/** `@` and the domain. */
const SELLER_DOMAIN = DEMO.sellerEmail('');

/** Accounts and keys of the demonstration that would let anybody in: their passwords stand in the source. */
export async function findDemoAccounts(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM user_account
      WHERE status = 'active' AND (id = ANY ($1) OR email = ANY ($2) OR email LIKE '%' || $3)
     UNION ALL SELECT id FROM api_key WHERE revoked_at IS NULL AND id = $4
     ORDER BY id`,
    [
      [DEMO.adminUserId, DEMO.secondAdminUserId, DEMO.financeUserId],
      [DEMO.adminEmail, DEMO.secondAdminEmail, DEMO.financeEmail],
      SELLER_DOMAIN,
      parseApiKey(DEMO.shopApiKey)?.keyId ?? '',
    ],
  );
  return rows.map((row) => row.id);
}
