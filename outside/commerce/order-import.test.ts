import { describe, expect, it } from 'vitest';
import { importOrders, readOrderImport } from './order-import.js';
import type { OrderLine } from './order-lines.js';

const line = (over: Partial<OrderLine>): OrderLine => ({
  invoiceNo: '1',
  stockCode: '85123A',
  description: 'HOLDER',
  quantity: 6,
  invoiceDate: '2011-11-01 08:16:00',
  unitPriceGbp: 2.1,
  customerId: '7',
  ...over,
});
const taken = (lines: OrderLine[]) => importOrders(lines, (id) => (id === 'prd_00000' ? undefined : 'adv_x'));
/** Only the fates that happened. */
const fatesOf = (lines: OrderLine[]) =>
  Object.fromEntries(Object.entries(taken(lines).fates).filter(([, count]) => count > 0));

describe('an invoice of the feed', () => {
  it('is one order of its customer’s device, in whole won, with the lines’ own numbers', () => {
    const { actions } = taken([
      line({}),
      line({ stockCode: 'POST' }),
      line({ stockCode: '22423', quantity: 1 }),
    ]);
    expect(actions).toEqual([
      {
        kind: 'order',
        at: Date.UTC(2011, 10, 1, 8, 16),
        orderId: '1',
        deviceId: 'customer:7',
        lines: [
          { lineNo: 1, productId: 'prd_85123a', sellerId: 'adv_x', quantity: 6, unitPriceKrw: 3_570 },
          { lineNo: 3, productId: 'prd_22423', sellerId: 'adv_x', quantity: 1, unitPriceKrw: 3_570 },
        ],
      },
    ]);
  });

  it('without a customer has a device of its own', () => {
    const { actions } = taken([line({ customerId: '' }), line({ customerId: '', invoiceNo: '2' })]);
    expect(actions.map((action) => action.deviceId)).toEqual(['guest:1', 'guest:2']);
  });

  it('of more than 200 lines is several requests of one order', () => {
    const { actions } = taken(Array.from({ length: 401 }, () => line({})));
    expect(actions.map((action) => [action.orderId, action.lines.length])).toEqual([
      ['1', 200],
      ['1', 200],
      ['1', 1],
    ]);
  });

  it('that is mixed with another in the feed stays one', () => {
    const { actions } = taken([line({}), line({ invoiceNo: '2' }), line({ stockCode: '22423' })]);
    expect(actions.map((action) => [action.orderId, action.lines.length])).toEqual([
      ['1', 2],
      ['2', 1],
    ]);
  });

  it('says for every line that is no purchase why', () => {
    expect(
      fatesOf([
        line({ stockCode: 'BANK CHARGES' }),
        line({ unitPriceGbp: 0 }),
        line({ quantity: -3, unitPriceGbp: 0, customerId: '' }),
        line({ stockCode: '00000' }),
      ]),
    ).toEqual({ service_code: 1, zero_price: 1, stock_correction: 1, unknown_product: 1 });
  });
});

describe('a return', () => {
  const back = (quantity: number, over: Partial<OrderLine> = {}) =>
    line({ invoiceNo: 'C9', invoiceDate: '2011-11-05 10:00:00', quantity, ...over });

  it('cancels the newest earlier line with so much left', () => {
    const lines = [line({}), line({ invoiceNo: '2' }), line({ invoiceNo: '3', quantity: 5 }), back(-6)];
    expect(taken(lines).actions.at(-1)).toEqual({
      kind: 'cancellation',
      at: Date.UTC(2011, 10, 5, 10),
      orderId: '2',
      deviceId: 'customer:7',
      lines: [{ lineNo: 1 }],
    });
  });

  it('of a part leaves the line, until nothing is left of it', () => {
    const lines = [line({}), back(-2), back(-4)];
    expect(fatesOf(lines)).toEqual({ ordered: 1, returned_in_part: 1, cancelled: 1 });
    expect(taken(lines).actions.filter((action) => action.kind === 'cancellation')).toHaveLength(1);
  });

  it.each([
    ['of another customer', back(-6, { customerId: '8' })],
    ['of another product', back(-6, { stockCode: '22423' })],
    ['of more than was bought', back(-7)],
    ['without a customer', back(-6, { customerId: '' })],
  ])('%s cancels nothing and is counted', (_, unmatched) => {
    expect(fatesOf([line({}), unmatched])).toEqual({ ordered: 1, unmatched_return: 1 });
  });

  it('before its purchase cancels nothing', () => {
    expect(fatesOf([back(-6), line({})])).toEqual({ ordered: 1, unmatched_return: 1 });
  });
});

describe('the published feed', () => {
  it('is taken whole: every line has one fate, and every sent line is one of them', async () => {
    const { actions, fates } = await readOrderImport();
    expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(36_149);
    const sent = (kind: string) =>
      actions.reduce((sum, action) => sum + (action.kind === kind ? action.lines.length : 0), 0);
    expect(sent('order')).toBe(fates.ordered + fates.ordered_by_guest);
    expect(sent('cancellation')).toBe(fates.cancelled);
    expect(actions.map((action) => action.at)).toEqual(
      actions.map((action) => action.at).sort((a, b) => a - b),
    );
    expect(fates).toMatchInlineSnapshot(`
      {
        "cancelled": 70,
        "ordered": 28651,
        "ordered_by_guest": 6754,
        "returned_in_part": 80,
        "service_code": 139,
        "stock_correction": 52,
        "unknown_product": 0,
        "unmatched_return": 355,
        "zero_price": 48,
      }
    `);
  });
});
