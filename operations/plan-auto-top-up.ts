import type { AutoTopUpStep } from '../contracts/temporal/auto-top-up.js';
import { type AutoTopUpFacts, decideAutoTopUp } from '../domain/auto-top-up.js';
import { businessDateOf } from '../domain/business-date.js';
import { newId } from '../infra/ids.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { type AutoTopUp, readAutoTopUp } from './auto-top-up-settings.js';
import { businessNow } from './campaign-read.js';
import { notify } from './notify.js';

/** Longest wait until the database is asked again: the business clock may have been moved meanwhile. */
const LONGEST_WAIT_MS = 600_000;
/** Who ordered it. */
export const AUTO_TOP_UP_ACTOR = 'auto-top-up';

/**
 * Decides, under the lock of the advertiser's settings, whether its card is charged now; if so, the top-up is stored
 * before any money moves. A charge that was begun and never ended is named again, so that it is found, not repeated.
 */
export async function planAutoTopUp(pool: DatabasePool, advertiserId: string): Promise<AutoTopUpStep> {
  return withRetriedTransaction(pool, async (client) => {
    const settings = await readAutoTopUp(client, advertiserId, { lock: true });
    if (settings === null) return { kind: 'idle', why: 'off' };
    const facts = await readFacts(client, settings);
    const decision = decideAutoTopUp(facts);
    switch (decision.kind) {
      case 'charge':
        return { kind: 'charge', topUpId: await beginCharge(client, settings) };
      case 'resume':
        return { kind: 'charge', topUpId: decision.topUpId };
      case 'wait':
        return { kind: 'wait', waitMs: Math.min(LONGEST_WAIT_MS, Math.max(1, decision.waitMs)) };
      case 'idle':
        if (decision.why === 'monthly_cap_reached') await tellCap(client, settings, facts.nowMs);
        return decision;
    }
  });
}

async function readFacts(client: Queryable, settings: AutoTopUp): Promise<AutoTopUpFacts> {
  const nowMs = await businessNow(client);
  const { rows } = await client.query<Omit<AutoTopUpFacts, 'settings' | 'nowMs' | 'lastAttemptAtMs'>>(
    `SELECT
       EXISTS (SELECT FROM advertiser WHERE id = $1 AND status = 'active') AS "advertiserIsActive",
       EXISTS (SELECT FROM billing_method WHERE advertiser_id = $1 AND removed_at IS NULL) AS "hasBillingMethod",
       coalesce((SELECT cash_krw + promo_krw FROM advertiser_balance WHERE advertiser_id = $1), 0)::bigint
         AS "balanceKrw",
       coalesce((SELECT sum(amount_krw) FROM top_up WHERE advertiser_id = $1 AND method = 'billing'
         AND status IN ('charging', 'credited') AND created_at >= $2), 0)::bigint AS "chargedThisMonthKrw",
       (SELECT jsonb_build_object('topUpId', id, 'status', status) FROM top_up
         WHERE advertiser_id = $1 AND status = 'charging' ORDER BY created_at LIMIT 1) AS unfinished`,
    [settings.advertiserId, `${businessDateOf(nowMs).slice(0, 7)}-01T00:00:00+09:00`],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a query without a table answers one row');
  return { ...row, settings, nowMs, lastAttemptAtMs: settings.lastAttemptAt?.getTime() ?? null };
}

async function beginCharge(client: Queryable, settings: AutoTopUp): Promise<string> {
  const topUpId = newId('top');
  const { advertiserId, amountKrw } = settings;
  await client.query(
    `INSERT INTO top_up (id, advertiser_id, method, amount_krw, status, requested_by, expires_at,
       workflow_started_at, created_at, updated_at)
     SELECT $1, $2, 'billing', $3, 'charging', $4, clock_timestamp(), clock_timestamp(), t.now, t.now
       FROM (SELECT business_now() AS now) t`,
    [topUpId, advertiserId, amountKrw, AUTO_TOP_UP_ACTOR],
  );
  await client.query('UPDATE auto_top_up SET last_attempt_at = business_now() WHERE advertiser_id = $1', [
    advertiserId,
  ]);
  return topUpId;
}

/** Once per month and cap: a raised cap that is reached again is told again. */
async function tellCap(client: Queryable, settings: AutoTopUp, nowMs: number): Promise<void> {
  const { advertiserId, monthlyCapKrw } = settings;
  const month = businessDateOf(nowMs).slice(0, 7);
  await notify(client, {
    dedupeKey: `auto-top-up-cap:${advertiserId}:${month}:${monthlyCapKrw}`,
    template: 'auto_top_up_cap_reached',
    to: { advertiserId },
    variables: { month, cap: monthlyCapKrw.toLocaleString('en-US') },
  });
}
