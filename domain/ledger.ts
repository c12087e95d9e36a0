import { type Krw, toKrw, ZERO_KRW } from './money.js';
import { invariant } from './result.js';

/**
 * Double entry, append-only. A positive amount is a credit, a negative one a debit. A wallet is what the platform
 * owes to an advertiser: money that arrives is positive, and the sum of a wallet's entries is its balance.
 *
 * | Account | Holds |
 * |---|---|
 * | wallet_cash, wallet_promo | what the advertiser can spend |
 * | receivable | what the advertiser owes (negative) |
 * | ad_revenue | clicks paid with cash: what is invoiced |
 * | promo_revenue, promo_expense | clicks paid with promo money, and what promo money was given (negative) |
 * | payment_clearing | money at the payment provider (negative) |
 * | refund_payable | money on its way back to the advertiser |
 */
export const LEDGER_ACCOUNTS = [
  'wallet_cash',
  'wallet_promo',
  'receivable',
  'ad_revenue',
  'promo_revenue',
  'promo_expense',
  'payment_clearing',
  'refund_payable',
] as const;
export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number];

/** Why money moved. Every transaction names exactly one. */
export const LEDGER_CAUSES = [
  'click_charge',
  'click_reversal',
  'top_up',
  'top_up_reversal',
  'promo_grant',
  'promo_expiry',
  'refund',
  'refund_failed',
  'adjustment',
] as const;
export type LedgerCause = (typeof LEDGER_CAUSES)[number];

export interface LedgerLine {
  readonly account: LedgerAccount;
  readonly amountKrw: Krw;
}

/** Cash and promo money of one movement. */
export interface FundSplit {
  readonly cashKrw: Krw;
  readonly promoKrw: Krw;
}

/** Lines of a charge: the wallets pay, the revenues receive. Funds that did not move have no line. */
export function clickChargeLines(split: FundSplit): LedgerLine[] {
  return balanced([
    line('wallet_cash', -split.cashKrw),
    line('wallet_promo', -split.promoKrw),
    line('ad_revenue', split.cashKrw),
    line('promo_revenue', split.promoKrw),
  ]);
}

/** The same split, the other way round; of the cash, what the advertiser owes is paid first. */
export function clickReversalLines(split: FundSplit, owedKrw: Krw = ZERO_KRW): LedgerLine[] {
  const paidOffKrw = Math.min(owedKrw, split.cashKrw);
  return balanced([
    line('wallet_cash', split.cashKrw - paidOffKrw),
    line('receivable', paidOffKrw),
    line('wallet_promo', split.promoKrw),
    line('ad_revenue', -split.cashKrw),
    line('promo_revenue', -split.promoKrw),
  ]);
}

/** Paid money. What the advertiser owes is paid first; the rest can be spent. */
export function topUpLines(amountKrw: Krw, owedKrw: Krw = ZERO_KRW): LedgerLine[] {
  const paidOffKrw = Math.min(owedKrw, amountKrw);
  return balanced([
    line('wallet_cash', amountKrw - paidOffKrw),
    line('receivable', paidOffKrw),
    line('payment_clearing', -amountKrw),
  ]);
}

/** Paid money that the bank took back: from the cash that is left, and the rest is owed. */
export function topUpReversalLines(amountKrw: Krw, cashKrw: Krw): LedgerLine[] {
  const takenKrw = Math.min(cashKrw, amountKrw);
  return balanced([
    line('wallet_cash', -takenKrw),
    line('receivable', takenKrw - amountKrw),
    line('payment_clearing', amountKrw),
  ]);
}

export function promoGrantLines(amountKrw: Krw): LedgerLine[] {
  return balanced([line('wallet_promo', amountKrw), line('promo_expense', -amountKrw)]);
}

export function promoExpiryLines(amountKrw: Krw): LedgerLine[] {
  return balanced([line('wallet_promo', -amountKrw), line('promo_expense', amountKrw)]);
}

/** What a wallet looks like between two transactions. `seq` counts the wallet entries of this advertiser. */
export interface Wallet {
  readonly cashKrw: Krw;
  readonly promoKrw: Krw;
  readonly seq: number;
}

/** A line as it is stored: wallet lines carry the advertiser's sequence and the balance of that fund after it. */
export interface PostedLine extends LedgerLine {
  readonly lineNo: number;
  readonly advertiserSeq: number | null;
  readonly balanceAfterKrw: Krw | null;
}

/** Numbers the lines of one transaction and runs the wallet through them. Throws when a wallet would go below zero. */
export function postToWallet(
  wallet: Wallet,
  lines: readonly LedgerLine[],
): { wallet: Wallet; posted: PostedLine[] } {
  let { cashKrw, promoKrw, seq } = wallet;
  const posted = lines.map(({ account, amountKrw }, index): PostedLine => {
    const lineNo = index + 1;
    if (account === 'wallet_cash') cashKrw = toKrw(cashKrw + amountKrw);
    else if (account === 'wallet_promo') promoKrw = toKrw(promoKrw + amountKrw);
    else return { account, amountKrw, lineNo, advertiserSeq: null, balanceAfterKrw: null };
    const balanceAfterKrw = account === 'wallet_cash' ? cashKrw : promoKrw;
    // The sentence is only made when it is needed: this runs for every charge.
    if (balanceAfterKrw < 0) invariant(false, `${account} would fall to ${balanceAfterKrw}`);
    seq += 1;
    return { account, amountKrw, lineNo, advertiserSeq: seq, balanceAfterKrw };
  });
  return { wallet: { cashKrw, promoKrw, seq }, posted };
}

const line = (account: LedgerAccount, amount: number): LedgerLine => ({ account, amountKrw: toKrw(amount) });

function balanced(lines: readonly LedgerLine[]): LedgerLine[] {
  const moving = lines.filter((entry) => entry.amountKrw !== 0);
  invariant(moving.length >= 2, 'a transaction moves money');
  const total = moving.reduce((sum, entry) => sum + entry.amountKrw, 0);
  invariant(total === 0, 'a transaction sums to zero');
  return moving;
}
