import { addDays, type BusinessDate, startOfBusinessDate } from '../domain/business-date.js';
import { ok, type Result } from '../domain/result.js';
import type { Config } from '../infra/config.js';
import { listPaymentTransactions, type PaymentTransaction } from '../infra/payment-transactions.js';
import type { Queryable } from '../infra/postgres.js';

/** How far back an order may have begun whose money moved on the day in question. */
const HISTORY_DAYS = 31;
const MAX_DIFFERENCES = 200;

export interface PaymentDifference {
  readonly topUpId: string;
  /** Null: the provider has an order that we do not know. */
  readonly advertiserId: string | null;
  readonly providerKrw: number;
  readonly ledgerKrw: number;
}

export interface PaymentReconciliation {
  readonly date: BusinessDate;
  readonly orders: number;
  readonly providerKrw: number;
  readonly ledgerKrw: number;
  /** At most 200, by id. */
  readonly differences: readonly PaymentDifference[];
}

/**
 * Compares the payment provider's money with ours, order by order, for the orders whose money moved on this Korean
 * day (the provider's by real time, ours by business time). What counts is what stands now, so a deposit that was
 * taken back on another day is no difference.
 */
export async function reconcilePayments(
  db: Queryable,
  config: Pick<Config, 'PAYMENT_PROVIDER_URL' | 'PAYMENT_SECRET_KEY'>,
  date: BusinessDate,
): Promise<Result<PaymentReconciliation>> {
  const listed = await listPaymentTransactions(
    config,
    startOfBusinessDate(addDays(date, -HISTORY_DAYS)),
    startOfBusinessDate(addDays(date, HISTORY_DAYS)),
  );
  if (!listed.ok) return listed;
  const provider = netByOrder(listed.value);
  const ledger = await readLedger(db, date, movedOn(listed.value, date));
  const differences = ledger
    .map((row) => ({ ...row, providerKrw: provider.get(row.topUpId) ?? 0 }))
    .filter((row) => row.providerKrw !== row.ledgerKrw);
  return ok({
    date,
    orders: ledger.length,
    providerKrw: ledger.reduce((sum, { topUpId }) => sum + (provider.get(topUpId) ?? 0), 0),
    ledgerKrw: ledger.reduce((sum, row) => sum + row.ledgerKrw, 0),
    differences: differences.slice(0, MAX_DIFFERENCES),
  });
}

function netByOrder(transactions: readonly PaymentTransaction[]): Map<string, number> {
  const net = new Map<string, number>();
  for (const { orderId, amountKrw } of transactions) net.set(orderId, (net.get(orderId) ?? 0) + amountKrw);
  return net;
}

function movedOn(transactions: readonly PaymentTransaction[], date: BusinessDate): string[] {
  const from = startOfBusinessDate(date);
  const to = startOfBusinessDate(addDays(date, 1));
  return [...new Set(transactions.filter(({ at }) => at >= from && at < to).map(({ orderId }) => orderId))];
}

type LedgerRow = Omit<PaymentDifference, 'providerKrw'>;

async function readLedger(
  db: Queryable,
  date: BusinessDate,
  orderIds: readonly string[],
): Promise<LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    `WITH asked AS (
       SELECT unnest($2::text[]) AS id
       UNION SELECT split_part(cause_key, ':', 2) FROM ledger_transaction
         WHERE booked_date = $1 AND cause IN ('top_up', 'top_up_reversal') AND cause_key ~ '^top-up(-reversal)?:top_')
     SELECT a.id AS "topUpId", t.advertiser_id AS "advertiserId",
       coalesce((t.credits - t.reversals) * t.amount_krw, 0)::bigint AS "ledgerKrw"
     FROM asked a LEFT JOIN top_up t ON t.id = a.id ORDER BY a.id`,
    [date, orderIds],
  );
  return rows;
}
