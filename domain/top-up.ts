import { assertNever } from './result.js';

/** How money may arrive. `billing`: the registered card, charged by the automatic top-up. */
export const TOP_UP_METHODS = ['card', 'virtual_account', 'billing'] as const;
export type TopUpMethod = (typeof TOP_UP_METHODS)[number];

/** What a person may choose. */
export const ORDERED_METHODS = ['card', 'virtual_account'] as const;
export type OrderedMethod = (typeof ORDERED_METHODS)[number];

export const TOP_UP_STATUSES = [
  'pending',
  'waiting_for_deposit',
  'charging',
  'credited',
  'expired',
  'failed',
  'reversed',
] as const;
export type TopUpStatus = (typeof TOP_UP_STATUSES)[number];

export const TOP_UP_MIN_KRW = 10_000;
export const TOP_UP_STEP_KRW = 1_000;
export const TOP_UP_MAX_KRW = 50_000_000;

/** A card payment that nobody finished in the checkout window. */
export const CARD_CHECKOUT_MINUTES = 30;
export const DEPOSIT_DAYS = 7;

/** Banks that issue virtual accounts, by the code of the payment provider. */
export const DEPOSIT_BANKS = {
  '03': '기업은행',
  '06': '국민은행',
  '11': '농협은행',
  '20': '우리은행',
  '81': '하나은행',
  '88': '신한은행',
} as const;
export const DEPOSIT_BANK_CODES = ['03', '06', '11', '20', '81', '88'] as const;
export type DepositBankCode = (typeof DEPOSIT_BANK_CODES)[number];
export const DEFAULT_DEPOSIT_BANK: DepositBankCode = '88';

/** Null for an amount that may be topped up. */
export function topUpAmountProblem(amountKrw: number): string | null {
  if (!Number.isSafeInteger(amountKrw)) return 'a whole number of won';
  if (amountKrw < TOP_UP_MIN_KRW) return `at least ${TOP_UP_MIN_KRW} won`;
  if (amountKrw > TOP_UP_MAX_KRW) return `at most ${TOP_UP_MAX_KRW} won`;
  return amountKrw % TOP_UP_STEP_KRW === 0 ? null : `in steps of ${TOP_UP_STEP_KRW} won`;
}

/** The stored order, as far as a payment can contradict it. */
export interface TopUpOrder {
  readonly topUpId: string;
  readonly method: TopUpMethod;
  readonly amountKrw: number;
  readonly status: TopUpStatus;
}

/** What the provider says about a payment; statuses in its words. */
export interface SeenPayment {
  readonly orderId: string;
  readonly method: TopUpMethod;
  readonly totalAmountKrw: number;
  readonly status: string;
}

/** Null when the payment is the one that was ordered. Asked before any money is confirmed or credited. */
export function paymentMismatch(
  order: TopUpOrder,
  payment: SeenPayment,
): 'order_mismatch' | 'amount_mismatch' | null {
  if (payment.orderId !== order.topUpId || payment.method !== order.method) return 'order_mismatch';
  return payment.totalAmountKrw === order.amountKrw ? null : 'amount_mismatch';
}

export type TopUpStep =
  | { readonly kind: 'credit' }
  | { readonly kind: 'reverse' }
  | { readonly kind: 'expire' }
  | { readonly kind: 'fail'; readonly code: string }
  | { readonly kind: 'wait' }
  | { readonly kind: 'rest' };

/**
 * What the state of the payment makes due. Money that has come is credited whatever we thought before (expired,
 * reversed and paid again); money that the bank took back is reversed.
 */
export function nextTopUpStep(
  order: TopUpOrder,
  payment: SeenPayment | null,
  timeIsOver: boolean,
): TopUpStep {
  if (payment !== null && paymentMismatch(order, payment) === null) {
    if (payment.status === 'DONE') return order.status === 'credited' ? REST : { kind: 'credit' };
    if (order.status === 'credited') return isTakenBack(order, payment) ? { kind: 'reverse' } : REST;
  }
  switch (order.status) {
    case 'pending':
    case 'waiting_for_deposit':
      return unpaidStep(order, payment, timeIsOver);
    case 'reversed':
      return timeIsOver || payment?.status !== 'WAITING_FOR_DEPOSIT' ? REST : WAIT;
    case 'charging':
    case 'credited':
    case 'expired':
    case 'failed':
      return REST;
    default:
      return assertNever(order.status, 'status of a top-up');
  }
}

const REST: TopUpStep = { kind: 'rest' };
const WAIT: TopUpStep = { kind: 'wait' };

/** `EXPIRED` too: banks take deposits back days later, and the account may have closed before we look. */
const isTakenBack = (order: TopUpOrder, payment: SeenPayment) =>
  order.method === 'virtual_account' && ['WAITING_FOR_DEPOSIT', 'EXPIRED'].includes(payment.status);

/** A declined card may be replaced by another until the time is over; a closed virtual account is final. */
function unpaidStep(order: TopUpOrder, payment: SeenPayment | null, timeIsOver: boolean): TopUpStep {
  if (timeIsOver) return { kind: 'expire' };
  if (order.method !== 'virtual_account' || payment === null) return WAIT;
  if (payment.status === 'EXPIRED') return { kind: 'expire' };
  const isDead = ['CANCELED', 'PARTIAL_CANCELED', 'ABORTED'].includes(payment.status);
  return isDead ? { kind: 'fail', code: `payment_${payment.status.toLowerCase()}` } : WAIT;
}

/** Pause before a payment is read again although no webhook came: soon at first, hourly later. */
export function nextReadingInMs(readings: number): number {
  return Math.min(3_600_000, 30_000 * 2 ** Math.min(readings, 10));
}
