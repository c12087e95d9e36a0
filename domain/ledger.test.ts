import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clickChargeLines,
  clickReversalLines,
  type LedgerLine,
  postToWallet,
  promoExpiryLines,
  promoGrantLines,
  topUpLines,
} from './ledger.js';
import { sumKrw, toKrw } from './money.js';

const amount = fc.integer({ min: 1, max: 10_000_000 }).map(toKrw);
const split = fc
  .record({ cashKrw: fc.nat(100_000).map(toKrw), promoKrw: fc.nat(100_000).map(toKrw) })
  .filter(({ cashKrw, promoKrw }) => cashKrw + promoKrw > 0);
const sumOf = (lines: readonly LedgerLine[]) => sumKrw(lines.map((line) => line.amountKrw));
const empty = { cashKrw: toKrw(0), promoKrw: toKrw(0), seq: 0 };

describe('ledger lines', () => {
  it('sum to zero for every cause', () => {
    fc.assert(
      fc.property(amount, split, (krw, funds) => {
        for (const lines of [
          topUpLines(krw),
          promoGrantLines(krw),
          promoExpiryLines(krw),
          clickChargeLines(funds),
        ]) {
          expect(sumOf(lines)).toBe(0);
          expect(lines.every((line) => line.amountKrw !== 0)).toBe(true);
        }
      }),
    );
  });

  it('a reversal is the mirror of its charge, line by line', () => {
    fc.assert(
      fc.property(split, (funds) => {
        const mirrored = clickReversalLines(funds).map((line) => ({ ...line, amountKrw: -line.amountKrw }));
        expect(mirrored).toEqual(clickChargeLines(funds));
      }),
    );
  });

  it('a reversal pays what is owed before it reaches the wallet, and only with cash', () => {
    fc.assert(
      fc.property(split, fc.integer({ min: 0, max: 1_000_000 }), (funds, owed) => {
        const lines = clickReversalLines(funds, toKrw(owed));
        const of = (account: string) => lines.find((line) => line.account === account)?.amountKrw ?? 0;
        expect(sumOf(lines)).toBe(0);
        expect(of('receivable')).toBe(Math.min(owed, funds.cashKrw));
        expect(of('wallet_cash') + of('receivable')).toBe(funds.cashKrw);
        expect(of('wallet_promo')).toBe(funds.promoKrw);
      }),
    );
  });

  it('carry the wallet along: sequence without gaps, balance after each line', () => {
    const { wallet, posted } = postToWallet({ ...empty, seq: 7 }, topUpLines(toKrw(1_000)));
    expect(posted).toEqual([
      { account: 'wallet_cash', amountKrw: 1_000, lineNo: 1, advertiserSeq: 8, balanceAfterKrw: 1_000 },
      {
        account: 'payment_clearing',
        amountKrw: -1_000,
        lineNo: 2,
        advertiserSeq: null,
        balanceAfterKrw: null,
      },
    ]);
    expect(wallet).toEqual({ cashKrw: 1_000, promoKrw: 0, seq: 8 });
  });

  it('never post a wallet below zero', () => {
    expect(() => postToWallet(empty, clickChargeLines({ cashKrw: toKrw(1), promoKrw: toKrw(0) }))).toThrow(
      'would fall',
    );
  });
});
