import { expect, it } from 'vitest';
import {
  MAX_ORDER_QUANTITY,
  MAX_UNIT_PRICE_KRW,
  orderLineAmountKrw,
  orderLineIdOf,
  repeatedPlaces,
} from './order-line.js';

it('a line is named by its order and its number', () => {
  expect(orderLineIdOf('573744', 12)).toBe('573744:12');
});

it('a line is worth quantity times unit price, exactly up to the bounds', () => {
  expect(orderLineAmountKrw({ quantity: 3, unitPriceKrw: 1_990 })).toBe(5_970);
  const most = { quantity: MAX_ORDER_QUANTITY, unitPriceKrw: MAX_UNIT_PRICE_KRW };
  expect(orderLineAmountKrw(most)).toBe(10 ** 15);
});

it('every repetition is found, the first place is not one', () => {
  expect(repeatedPlaces([1, 2, 1, 3, 1, 2])).toEqual([2, 4, 5]);
  expect(repeatedPlaces([])).toEqual([]);
});
