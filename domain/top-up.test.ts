import { describe, expect, test } from 'vitest';
import {
  nextReadingInMs,
  nextTopUpStep,
  paymentMismatch,
  type SeenPayment,
  TOP_UP_STATUSES,
  type TopUpOrder,
  topUpAmountProblem,
} from './top-up.js';

const order = (change: Partial<TopUpOrder> = {}): TopUpOrder => ({
  topUpId: 'top_1',
  method: 'virtual_account',
  amountKrw: 50_000,
  status: 'waiting_for_deposit',
  ...change,
});
const payment = (change: Partial<SeenPayment> = {}): SeenPayment => ({
  orderId: 'top_1',
  method: 'virtual_account',
  totalAmountKrw: 50_000,
  status: 'DONE',
  ...change,
});

test('amounts: bounds and steps', () => {
  expect([10_000, 11_000, 50_000_000].map(topUpAmountProblem)).toEqual([null, null, null]);
  for (const amount of [0, -10_000, 9_999, 10_500, 50_001_000, 10_000.5, Number.NaN])
    expect(topUpAmountProblem(amount)).not.toBeNull();
});

test('a payment that is not what was ordered moves nothing, whatever its status', () => {
  expect(paymentMismatch(order(), payment({ totalAmountKrw: 49_999 }))).toBe('amount_mismatch');
  expect(paymentMismatch(order(), payment({ orderId: 'top_2' }))).toBe('order_mismatch');
  expect(paymentMismatch(order(), payment({ method: 'card' }))).toBe('order_mismatch');
  expect(nextTopUpStep(order(), payment({ totalAmountKrw: 49_999 }), false)).toEqual({ kind: 'wait' });
});

describe('what a payment makes due', () => {
  test.each(TOP_UP_STATUSES)('money that came is credited, also when the order is %s', (status) => {
    const step = nextTopUpStep(order({ status }), payment(), true);
    expect(step.kind).toBe(status === 'credited' ? 'rest' : 'credit');
  });

  test('a deposit that the bank took back is reversed once; a card has no such way back', () => {
    const back = payment({ status: 'WAITING_FOR_DEPOSIT' });
    expect(nextTopUpStep(order({ status: 'credited' }), back, true).kind).toBe('reverse');
    expect(nextTopUpStep(order({ status: 'reversed' }), back, false).kind).toBe('wait');
    expect(nextTopUpStep(order({ status: 'reversed' }), back, true).kind).toBe('rest');
    const closed = payment({ status: 'EXPIRED' });
    expect(nextTopUpStep(order({ status: 'credited' }), closed, true).kind).toBe('reverse');
    expect(nextTopUpStep(order({ status: 'reversed' }), closed, true).kind).toBe('rest');
    const card = order({ status: 'credited', method: 'card' });
    expect(nextTopUpStep(card, payment({ method: 'card', status: 'CANCELED' }), true).kind).toBe('rest');
  });

  test('unpaid: waits until its time is over; a closed account ends it', () => {
    expect(nextTopUpStep(order(), null, false).kind).toBe('wait');
    expect(nextTopUpStep(order(), null, true).kind).toBe('expire');
    expect(nextTopUpStep(order(), payment({ status: 'EXPIRED' }), false).kind).toBe('expire');
    expect(nextTopUpStep(order(), payment({ status: 'CANCELED' }), false)).toEqual({
      kind: 'fail',
      code: 'payment_canceled',
    });
    const card = order({ method: 'card', status: 'pending' });
    expect(nextTopUpStep(card, payment({ method: 'card', status: 'ABORTED' }), false).kind).toBe('wait');
  });
});

test('readings slow down to one an hour', () => {
  expect([1, 2, 3, 50].map(nextReadingInMs)).toEqual([60_000, 120_000, 240_000, 3_600_000]);
});
