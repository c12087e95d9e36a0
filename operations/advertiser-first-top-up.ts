import type { DatabasePool } from '../infra/postgres.js';
import { withRetriedTransaction } from '../infra/postgres.js';
import { notify } from './notify.js';

/** Whether paid money has ever arrived in the wallet of this company. */
export async function hasToppedUp(pool: DatabasePool, advertiserId: string): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT 1 FROM ledger_transaction WHERE advertiser_id = $1 AND cause = 'top_up' LIMIT 1`,
    [advertiserId],
  );
  return rows.length > 0;
}

/** Money is there: the company is asked to make its first campaign, once. */
export async function inviteToFirstCampaign(pool: DatabasePool, advertiserId: string): Promise<void> {
  await withRetriedTransaction(pool, async (client) => {
    const { rows } = await client.query<{ name: string }>('SELECT name FROM advertiser WHERE id = $1', [
      advertiserId,
    ]);
    await notify(client, {
      dedupeKey: `advertiser-first-campaign:${advertiserId}`,
      template: 'advertiser_first_campaign',
      to: { advertiserId },
      variables: { companyName: rows[0]?.name ?? '' },
    });
  });
}
