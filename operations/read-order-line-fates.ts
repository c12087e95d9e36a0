import type { Queryable } from '../infra/postgres.js';

/** What became of the order lines that were recorded in a time; values are of the matched ones. */
export interface OrderLineFates {
  readonly direct: number;
  readonly indirect: number;
  readonly unmatched: number;
  readonly conversionValueKrw: number;
  /** Order lines that were set aside: late, or not as the contract says. Each is a dead letter. */
  readonly setAsideLines: number;
  /** Clicks that came too late to be credited. */
  readonly lateClicks: number;
}

/** No text of PostgreSQL holds the character NUL: a record with one stands for itself, and takes no other's count away. */
const ORDER_LINE_ID = String.raw`CASE WHEN strpos(record, '\u0000') > 0 THEN record ELSE record::json ->> 'orderLineId' END`;

/**
 * Sums of `[fromMs, toMs)`, by our own time of recording. The order lines of a window of five minutes are counted
 * when it is closed, so the newest minutes are missing. Sent = direct + indirect + unmatched + set aside: an order line
 * that was sent, and is in none of them some minutes later, was lost.
 */
export async function readOrderLineFates(
  db: Queryable,
  fromMs: number,
  toMs: number,
): Promise<OrderLineFates> {
  const { rows } = await db.query<OrderLineFates>(
    `SELECT coalesce(sum(direct), 0)::bigint AS direct, coalesce(sum(indirect), 0)::bigint AS indirect,
            coalesce(sum(unmatched), 0)::bigint AS unmatched,
            coalesce(sum(conversion_value_krw), 0)::bigint AS "conversionValueKrw",
            (SELECT count(DISTINCT ${ORDER_LINE_ID}) FROM match_set_aside
             WHERE record_type = 'ORDER_LINE_PLACED' AND recorded_at_ms >= $1 AND recorded_at_ms < $2) AS "setAsideLines",
            (SELECT count(*) FROM match_set_aside
             WHERE record_type = 'AD_CLICKED' AND recorded_at_ms >= $1 AND recorded_at_ms < $2) AS "lateClicks"
     FROM order_line_fate_5m WHERE window_start_ms >= $1 AND window_start_ms < $2`,
    [fromMs, toMs],
  );
  const [sums] = rows;
  if (sums === undefined) throw new Error('sums without a row');
  return sums;
}
