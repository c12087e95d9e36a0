import type { PromoLot } from '../domain/charging.js';
import { postToWallet, promoExpiryLines, type Wallet } from '../domain/ledger.js';
import { invariant } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { changeLots, lockPromoLots, lockWallets, storeWallets } from './money-locks.js';
import { type Booking, type LedgerPosting, postLedger, takeBookingDay } from './post-ledger.js';
import { settleStops } from './resume-serving.js';

export interface ExpiryResult {
  readonly lots: number;
  readonly expiredKrw: number;
}

const ADVERTISERS_AT_A_TIME = 500;

/**
 * Takes what is left of lots whose time is over, under the locks that charging uses: one transaction per
 * advertiser. Run again it finds nothing. Charging itself never spends an expired lot, however late this runs.
 */
export async function expirePromo(
  pool: DatabasePool,
  options: { readonly bidFloorKrw?: number } = {},
): Promise<ExpiryResult> {
  const { rows } = await pool.query<{ advertiser_id: string }>(
    `SELECT DISTINCT advertiser_id FROM promo_lot WHERE remaining_krw > 0 AND expires_at <= business_now()
     ORDER BY advertiser_id LIMIT $1`,
    [ADVERTISERS_AT_A_TIME],
  );
  let total: ExpiryResult = { lots: 0, expiredKrw: 0 };
  for (const { advertiser_id: id } of rows) {
    const one = await withRetriedTransaction(pool, (client) => expireOf(client, id, options.bidFloorKrw));
    total = { lots: total.lots + one.lots, expiredKrw: total.expiredKrw + one.expiredKrw };
  }
  return total;
}

async function expireOf(
  client: Queryable,
  advertiserId: string,
  bidFloorKrw?: number,
): Promise<ExpiryResult> {
  const wallet = (await lockWallets(client, [advertiserId])).get(advertiserId);
  invariant(wallet, `${advertiserId} has lots and no wallet`);
  const lots = (await lockPromoLots(client, [advertiserId])).get(advertiserId) ?? [];
  const booking = await takeBookingDay(client);
  const expired = lots.filter((lot) => lot.expiresAtMs <= booking.bookedAt.getTime());
  if (expired.length === 0) return { lots: 0, expiredKrw: 0 };
  await bookExpiry(client, advertiserId, wallet, expired, booking);
  const floor = bidFloorKrw === undefined ? {} : { bidFloorKrw };
  await settleStops(client, { advertiserId, endsStops: [], ...floor }, booking);
  return { lots: expired.length, expiredKrw: expired.reduce((sum, lot) => sum + lot.remainingKrw, 0) };
}

async function bookExpiry(
  client: Queryable,
  advertiserId: string,
  before: Wallet,
  expired: readonly PromoLot[],
  booking: Booking,
): Promise<void> {
  let wallet = before;
  const postings = expired.map((lot): LedgerPosting => {
    const after = postToWallet(wallet, promoExpiryLines(lot.remainingKrw));
    wallet = after.wallet;
    const causeKey = `promo-lot:${lot.lotId}`;
    return {
      advertiserId,
      campaignId: null,
      cause: 'promo_expiry',
      causeKey,
      memo: null,
      lines: after.posted,
    };
  });
  await postLedger(client, booking, postings);
  await storeWallets(client, new Map([[advertiserId, wallet]]));
  await changeLots(client, new Map(expired.map((lot) => [lot.lotId, -lot.remainingKrw])));
}
