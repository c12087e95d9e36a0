import { type Krw, toKrw } from './money.js';

/** Lines of one request; an order with more of them is sent in several requests under the same order id. */
export const MAX_ORDER_LINES = 200;
export const MAX_ORDER_LINE_NO = 10_000;
/** Quantity times unit price stays a safe integer: at most 10^15 won. */
export const MAX_ORDER_QUANTITY = 1_000_000;
export const MAX_UNIT_PRICE_KRW = 1_000_000_000;

/** The shop's own name of a line. An order id holds no colon, so that no two lines share a name. */
export const orderLineIdOf = (orderId: string, lineNo: number): string => `${orderId}:${lineNo}`;

/** What the line is worth, computed here: a total that was sent along could disagree with its own line. */
export function orderLineAmountKrw(line: { readonly quantity: number; readonly unitPriceKrw: number }): Krw {
  return toKrw(line.quantity * line.unitPriceKrw);
}

/** The places, after the first, where a value stands again; a request names each line and each ad once. */
export function repeatedPlaces(values: readonly (string | number)[]): number[] {
  const seen = new Set<string | number>();
  return values.flatMap((value, index) => {
    if (seen.has(value)) return [index];
    seen.add(value);
    return [];
  });
}
