import { randomUUID } from 'node:crypto';
import type { CatalogueProduct } from '../catalogue.js';

export interface BasketLine {
  readonly product: CatalogueProduct;
  readonly quantity: number;
}

export interface ShopOrderLine extends BasketLine {
  readonly lineNo: number;
  readonly cancelledAt: number | null;
}

export interface ShopOrder {
  readonly orderId: string;
  readonly orderedAt: number;
  readonly lines: readonly ShopOrderLine[];
}

export const MAX_QUANTITY = 99;
export const MAX_BASKET_LINES = 50;
const MAX_ORDERS_PER_DEVICE = 50;
const MAX_DEVICES = 5_000;

interface Shopper {
  readonly basket: Map<string, BasketLine>;
  orders: ShopOrder[];
}

/**
 * Baskets and orders of the demonstration shop, in memory: the last 5,000 browsers, 50 orders each. What is
 * forgotten here is not lost to the ad system, which was told when it happened.
 */
export class ShopMemory {
  private readonly shoppers = new Map<string, Shopper>();

  constructor(private readonly now: () => number = Date.now) {}

  basketOf(deviceId: string): readonly BasketLine[] {
    return [...(this.shoppers.get(deviceId)?.basket.values() ?? [])];
  }

  /** Sets the quantity; 0 takes the product out. False when the basket is full. */
  setQuantity(deviceId: string, product: CatalogueProduct, quantity: number): boolean {
    const { basket } = this.remember(deviceId);
    const known = basket.has(product.productId);
    if (quantity === 0) basket.delete(product.productId);
    else if (!known && basket.size >= MAX_BASKET_LINES) return false;
    else basket.set(product.productId, { product, quantity: Math.min(quantity, MAX_QUANTITY) });
    return true;
  }

  add(deviceId: string, product: CatalogueProduct, quantity: number): boolean {
    const held = this.shoppers.get(deviceId)?.basket.get(product.productId)?.quantity ?? 0;
    return this.setQuantity(deviceId, product, held + quantity);
  }

  /** Turns the basket into an order; null when it is empty, as it is when a form is sent twice. */
  placeOrder(deviceId: string): ShopOrder | null {
    const shopper = this.shoppers.get(deviceId);
    if (shopper === undefined || shopper.basket.size === 0) return null;
    const lines = [...shopper.basket.values()].map((line, index) => ({
      ...line,
      lineNo: index + 1,
      cancelledAt: null,
    }));
    const order = { orderId: `shop-${randomUUID()}`, orderedAt: this.now(), lines };
    shopper.basket.clear();
    shopper.orders = [order, ...shopper.orders].slice(0, MAX_ORDERS_PER_DEVICE);
    return order;
  }

  /** Newest first. */
  ordersOf(deviceId: string): readonly ShopOrder[] {
    return this.shoppers.get(deviceId)?.orders ?? [];
  }

  orderOf(deviceId: string, orderId: string): ShopOrder | undefined {
    return this.ordersOf(deviceId).find((order) => order.orderId === orderId);
  }

  /** Cancels one line, or all when `lineNo` is null. Returns the lines that were not cancelled before. */
  cancel(deviceId: string, orderId: string, lineNo: number | null): readonly ShopOrderLine[] {
    const shopper = this.shoppers.get(deviceId);
    const order = this.orderOf(deviceId, orderId);
    if (shopper === undefined || order === undefined) return [];
    const concerned = (line: ShopOrderLine) =>
      line.cancelledAt === null && (lineNo === null || line.lineNo === lineNo);
    const cancelledAt = this.now();
    const changed = {
      ...order,
      lines: order.lines.map((line) => (concerned(line) ? { ...line, cancelledAt } : line)),
    };
    shopper.orders = shopper.orders.map((one) => (one === order ? changed : one));
    return order.lines.filter(concerned);
  }

  /** The least recently active browser is forgotten first. */
  private remember(deviceId: string): Shopper {
    const shopper = this.shoppers.get(deviceId) ?? { basket: new Map<string, BasketLine>(), orders: [] };
    this.shoppers.delete(deviceId);
    this.shoppers.set(deviceId, shopper);
    const [oldest] = this.shoppers.keys();
    if (this.shoppers.size > MAX_DEVICES && oldest !== undefined) this.shoppers.delete(oldest);
    return shopper;
  }
}
