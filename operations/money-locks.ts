import type { BusinessDate } from '../domain/business-date.js';
import type { CampaignFunds, PromoLot } from '../domain/charging.js';
import type { Wallet } from '../domain/ledger.js';
import { toKrw, ZERO_KRW } from '../domain/money.js';
import { invariant } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';

/**
 * The locks of every money transaction, always in this order and each in id order, which makes a deadlock
 * impossible: advertiser_balance, campaign_budget, promo_lot, then the business day (`takeBookingDay`).
 * Reads that decide anything come after the locks: READ COMMITTED then shows what the last holder wrote.
 * Charging takes the same locks in the same order in one function, `charging_locks_and_facts`.
 */

/** Makes the wallet of an advertiser when it has none, and locks it. */
export async function openWallet(client: Queryable, advertiserId: string): Promise<Wallet> {
  await client.query(
    'INSERT INTO advertiser_balance (advertiser_id) VALUES ($1) ON CONFLICT (advertiser_id) DO NOTHING',
    [advertiserId],
  );
  const wallet = (await lockWallets(client, [advertiserId])).get(advertiserId);
  invariant(wallet, 'a wallet that was just opened is there');
  return wallet;
}

export async function lockWallets(
  client: Queryable,
  advertiserIds: readonly string[],
): Promise<Map<string, Wallet>> {
  const { rows } = await client.query<WalletRow>({
    name: 'lock-wallets',
    text: `SELECT advertiser_id, cash_krw, promo_krw, seq FROM advertiser_balance
      WHERE advertiser_id = ANY($1) ORDER BY advertiser_id FOR UPDATE`,
    values: [advertiserIds],
  });
  return new Map(rows.map((row) => [row.advertiser_id, toWallet(row)]));
}

export interface WalletRow {
  readonly advertiser_id: string;
  readonly cash_krw: number;
  readonly promo_krw: number;
  readonly seq: number;
}

export const toWallet = (row: WalletRow): Wallet => ({
  cashKrw: toKrw(row.cash_krw),
  promoKrw: toKrw(row.promo_krw),
  seq: row.seq,
});

/** A budget row as stored: `spentTodayKrw` belongs to `spentDate`. */
export type LockedBudget = Omit<CampaignFunds, 'stop'> & { readonly spentDate: BusinessDate };

export interface BudgetRow {
  readonly campaign_id: string;
  readonly advertiser_id: string;
  readonly daily_budget_krw: number;
  readonly total_budget_krw: number | null;
  readonly total_spent_krw: number;
  readonly spent_date: BusinessDate;
  readonly spent_today_krw: number;
}

export async function lockBudgets(
  client: Queryable,
  campaignIds: readonly string[],
): Promise<Map<string, LockedBudget>> {
  const { rows } = await client.query<BudgetRow>({
    name: 'lock-budgets',
    text: `SELECT campaign_id, advertiser_id, daily_budget_krw, total_budget_krw, total_spent_krw, spent_date,
        spent_today_krw
      FROM campaign_budget WHERE campaign_id = ANY($1) ORDER BY campaign_id FOR UPDATE`,
    values: [campaignIds],
  });
  return budgetsFrom(rows);
}

/** The budgets of an advertiser, or one of them, without locks: its balance row is locked, and all writers lock that. */
export async function readBudgetsOf(
  client: Queryable,
  advertiserId: string,
  campaignId?: string,
): Promise<Map<string, LockedBudget>> {
  const { rows } = await client.query<BudgetRow>({
    name: 'read-budgets',
    text: `SELECT campaign_id, advertiser_id, daily_budget_krw, total_budget_krw, total_spent_krw, spent_date,
        spent_today_krw
      FROM campaign_budget WHERE advertiser_id = $1 AND ($2::text IS NULL OR campaign_id = $2) ORDER BY campaign_id`,
    values: [advertiserId, campaignId ?? null],
  });
  return budgetsFrom(rows);
}

const budgetsFrom = (rows: readonly BudgetRow[]): Map<string, LockedBudget> =>
  new Map(rows.map((row) => [row.campaign_id, toBudget(row)]));

export const toBudget = (row: BudgetRow): LockedBudget => ({
  advertiserId: row.advertiser_id,
  dailyBudgetKrw: toKrw(row.daily_budget_krw),
  totalBudgetKrw: row.total_budget_krw === null ? null : toKrw(row.total_budget_krw),
  totalSpentKrw: toKrw(row.total_spent_krw),
  spentDate: row.spent_date,
  spentTodayKrw: toKrw(row.spent_today_krw),
});

/** The budget as the day of booking sees it: a new day starts with nothing spent. */
export function budgetOn(budget: LockedBudget, bookedDate: BusinessDate): Omit<CampaignFunds, 'stop'> {
  const { spentDate, ...rest } = budget;
  return spentDate === bookedDate ? rest : { ...rest, spentTodayKrw: ZERO_KRW };
}

/** Lots that still hold money, expired ones included, by advertiser. */
export async function lockPromoLots(
  client: Queryable,
  advertiserIds: readonly string[],
): Promise<Map<string, PromoLot[]>> {
  const { rows } = await client.query<{
    id: number;
    advertiser_id: string;
    remaining_krw: number;
    expires_at: Date;
  }>({
    name: 'lock-promo-lots',
    text: `SELECT id, advertiser_id, remaining_krw, expires_at FROM promo_lot
      WHERE advertiser_id = ANY($1) AND remaining_krw > 0 ORDER BY id FOR UPDATE`,
    values: [advertiserIds],
  });
  const lots = new Map<string, PromoLot[]>();
  for (const row of rows) {
    const lot = {
      lotId: row.id,
      remainingKrw: toKrw(row.remaining_krw),
      expiresAtMs: row.expires_at.getTime(),
    };
    const known = lots.get(row.advertiser_id);
    if (known) known.push(lot);
    else lots.set(row.advertiser_id, [lot]);
  }
  return lots;
}

/** Writes wallets back; the caller holds their locks. */
export async function storeWallets(client: Queryable, wallets: ReadonlyMap<string, Wallet>): Promise<void> {
  if (wallets.size === 0) return;
  const rows = [...wallets];
  await client.query({
    name: 'store-wallets',
    text: `UPDATE advertiser_balance b SET cash_krw = v.cash, promo_krw = v.promo, seq = v.seq, version = b.version + 1
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS v(id, cash, promo, seq)
      WHERE b.advertiser_id = v.id`,
    values: [
      rows.map(([id]) => id),
      rows.map(([, wallet]) => wallet.cashKrw),
      rows.map(([, wallet]) => wallet.promoKrw),
      rows.map(([, wallet]) => wallet.seq),
    ],
  });
}

/** Adds (or, when negative, takes) promo money per lot; the caller holds their locks. */
export async function changeLots(client: Queryable, changes: ReadonlyMap<number, number>): Promise<void> {
  if (changes.size === 0) return;
  await client.query({
    name: 'change-lots',
    text: `UPDATE promo_lot l SET remaining_krw = l.remaining_krw + v.change
      FROM unnest($1::bigint[], $2::bigint[]) AS v(id, change) WHERE l.id = v.id`,
    values: [[...changes.keys()], [...changes.values()]],
  });
}

/** Adds spend (or, when negative, returns it) on a day; a budget row of an earlier day starts anew. */
export async function changeBudgetSpend(
  client: Queryable,
  bookedDate: BusinessDate,
  changes: ReadonlyMap<string, { readonly todayKrw: number; readonly totalKrw: number }>,
): Promise<void> {
  if (changes.size === 0) return;
  const rows = [...changes];
  await client.query({
    name: 'change-budget-spend',
    text: `UPDATE campaign_budget b SET total_spent_krw = b.total_spent_krw + v.total, spent_date = $1, version = b.version + 1,
        spent_today_krw = CASE WHEN b.spent_date = $1 THEN b.spent_today_krw ELSE 0 END + v.today
      FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS v(id, today, total) WHERE b.campaign_id = v.id`,
    values: [
      bookedDate,
      rows.map(([id]) => id),
      rows.map(([, change]) => change.todayKrw),
      rows.map(([, change]) => change.totalKrw),
    ],
  });
}
