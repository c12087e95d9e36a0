import { describe, expect, it } from 'vitest';
import { MAX_BASKET_LINES, MAX_QUANTITY, ShopMemory } from './shop-memory.js';

const product = (id: string) => ({
  productId: id,
  name: id,
  categoryId: 'toys',
  sellerId: 'adv_toys1',
  priceKrw: 1_000,
  popularity: 1,
});

describe('the memory of the shop', () => {
  it('turns a basket into one order, once', () => {
    const memory = new ShopMemory(() => 7);
    memory.add('d', product('a'), 2);
    memory.add('d', product('a'), 3);
    memory.add('d', product('b'), 1);
    const order = memory.placeOrder('d');
    expect(order).toMatchObject({
      orderedAt: 7,
      lines: [
        { lineNo: 1, quantity: 5, cancelledAt: null },
        { lineNo: 2, quantity: 1, cancelledAt: null },
      ],
    });
    expect(memory.placeOrder('d')).toBeNull();
    expect(memory.basketOf('d')).toEqual([]);
    expect(memory.ordersOf('d')).toEqual([order]);
  });

  it('holds bounded quantities and bounded baskets', () => {
    const memory = new ShopMemory();
    memory.add('d', product('a'), MAX_QUANTITY);
    memory.add('d', product('a'), 1);
    expect(memory.basketOf('d')[0]?.quantity).toBe(MAX_QUANTITY);
    for (let index = 1; index < MAX_BASKET_LINES; index += 1)
      expect(memory.add('d', product(`p${index}`), 1)).toBe(true);
    expect(memory.add('d', product('one too many'), 1)).toBe(false);
    expect(memory.setQuantity('d', product('a'), 0)).toBe(true);
    expect(memory.basketOf('d')).toHaveLength(MAX_BASKET_LINES - 1);
  });

  it('cancels each line once, and never in the orders of another browser', () => {
    const memory = new ShopMemory();
    memory.add('d', product('a'), 1);
    memory.add('d', product('b'), 1);
    const orderId = memory.placeOrder('d')?.orderId ?? '';
    expect(memory.cancel('other', orderId, null)).toEqual([]);
    expect(memory.cancel('d', orderId, 2).map(({ lineNo }) => lineNo)).toEqual([2]);
    expect(memory.cancel('d', orderId, null).map(({ lineNo }) => lineNo)).toEqual([1]);
    expect(memory.cancel('d', orderId, null)).toEqual([]);
  });
});
