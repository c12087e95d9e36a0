import { invariant } from './result.js';

declare const krw: unique symbol;
/** Whole won, VAT included unless a name says otherwise. Safe up to 2^53 - 1, about 9,000 trillion won. */
export type Krw = number & { readonly [krw]: true };

export const ZERO_KRW = 0 as Krw;

/** Brands an integer as won. Throws on fractions and on values that JavaScript cannot hold exactly. */
export function toKrw(value: number): Krw {
  invariant(Number.isSafeInteger(value), `not a whole number of won: ${value}`);
  return value as Krw;
}

export const addKrw = (a: Krw, b: Krw): Krw => toKrw(a + b);
export const subtractKrw = (a: Krw, b: Krw): Krw => toKrw(a - b);
export const sumKrw = (values: Iterable<Krw>): Krw => {
  let total = 0;
  for (const value of values) total += value;
  return toKrw(total);
};

/** Half away from zero, so that a correction of the opposite sign rounds to the mirrored amount. */
export function roundHalfAwayFromZero(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}

/**
 * Splits a VAT-inclusive total: `vat = round(total / 11)`, `supply = total - vat`.
 * Rounded once per document; the two parts always add up to the total.
 */
export function splitVat(totalKrw: Krw): { supplyAmountKrw: Krw; taxAmountKrw: Krw } {
  const taxAmountKrw = toKrw(roundHalfAwayFromZero(totalKrw / 11));
  return { supplyAmountKrw: subtractKrw(totalKrw, taxAmountKrw), taxAmountKrw };
}
