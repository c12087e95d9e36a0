import type { OrderCancellation, OrderRequest } from '../../contracts/http/ad-server-orders.js';
import { MAX_ORDER_LINES } from '../../domain/order-line.js';
import { buildCatalogue, PRODUCT_CODE, productIdOf, wonOf } from './catalogue.js';
import { type OrderLine, readOrderLines } from './order-lines.js';

/** What becomes of a line of the feed; every line has exactly one fate, and the counts add up to the feed. */
export const LINE_FATES = {
  ordered: 'a line of a known customer’s order',
  ordered_by_guest: 'a line of an order without a customer: its own device per invoice',
  cancelled: 'takes back what was left of an ordered line, which is cancelled',
  returned_in_part: 'takes back a part of an ordered line, which stays: only whole lines are cancelled',
  unmatched_return: 'no earlier purchase of that customer and product with so much left, or no customer',
  service_code: 'postage, fees, samples, manual entries: no product',
  stock_correction: 'a negative quantity outside of a cancellation: stock keeping, no shopper',
  zero_price: 'a gift or an entry without a price: nothing was bought',
  unknown_product: 'a product that the catalogue does not offer, so without a seller',
} as const;
export type LineFate = keyof typeof LINE_FATES;

/** One request to the ad system. `at` is the shop's local time of the feed in epoch ms, read as if it were UTC. */
export type ShopAction =
  | ({ readonly kind: 'order'; readonly at: number } & Pick<OrderRequest, 'orderId' | 'deviceId' | 'lines'>)
  | ({ readonly kind: 'cancellation'; readonly at: number; readonly orderId: string } & OrderCancellation);

export interface OrderImport {
  /** Oldest first. An invoice of more than `MAX_ORDER_LINES` lines is several requests with one order id. */
  readonly actions: readonly ShopAction[];
  readonly fates: Readonly<Record<LineFate, number>>;
}

/** The device that the shop would tell: one for each customer, and a new one for each guest's invoice. */
export const deviceOf = ({ customerId, invoiceNo }: Pick<OrderLine, 'customerId' | 'invoiceNo'>): string =>
  customerId === '' ? `guest:${invoiceNo}` : `customer:${customerId}`;

/** An ordered line that may still be taken back. */
interface Purchase {
  readonly orderId: string;
  readonly lineNo: number;
  left: number;
}

/**
 * The real orders as the shop would report them. `lineNo` is the line's place in its invoice. A line of an invoice
 * `C…` takes back the newest earlier purchase of that customer and product with enough quantity left. Prices are the
 * line's own, at the catalogue's rate (`wonOf`).
 */
export function importOrders(
  lines: Iterable<OrderLine>,
  sellerOf: (productId: string) => string | undefined,
): OrderImport {
  const fates = Object.fromEntries(Object.keys(LINE_FATES).map((fate) => [fate, 0])) as Record<
    LineFate,
    number
  >;
  const purchases = new Map<string, Purchase[]>();
  const actions = byInvoice(lines).flatMap((invoice) => {
    const isReturn = invoice[0].invoiceNo.startsWith('C');
    return isReturn ? takeBack(invoice, purchases, fates) : order(invoice, sellerOf, purchases, fates);
  });
  return { actions, fates };
}

/** The whole published feed, with the sellers of the catalogue that is made of it. */
export async function readOrderImport(): Promise<OrderImport> {
  const { products } = await buildCatalogue();
  const sellers = new Map(products.map((product) => [product.productId, product.sellerId]));
  const lines: OrderLine[] = [];
  for await (const line of readOrderLines()) lines.push(line);
  return importOrders(lines, (productId) => sellers.get(productId));
}

type Invoice = readonly [OrderLine, ...OrderLine[]];

/** In order of their first lines; some invoices are mixed with others in the feed. */
function byInvoice(lines: Iterable<OrderLine>): Invoice[] {
  const invoices = new Map<string, [OrderLine, ...OrderLine[]]>();
  for (const line of lines) {
    const invoice = invoices.get(line.invoiceNo);
    if (invoice === undefined) invoices.set(line.invoiceNo, [line]);
    else invoice.push(line);
  }
  return [...invoices.values()];
}

function order(
  invoice: Invoice,
  sellerOf: (productId: string) => string | undefined,
  purchases: Map<string, Purchase[]>,
  fates: Record<LineFate, number>,
): ShopAction[] {
  const [first] = invoice;
  const accepted: OrderRequest['lines'] = [];
  for (const [index, line] of invoice.entries()) {
    const productId = productIdOf(line.stockCode);
    const sellerId = sellerOf(productId);
    const refusal = refusalOf(line, sellerId);
    if (refusal !== null || sellerId === undefined) {
      fates[refusal ?? 'unknown_product'] += 1;
      continue;
    }
    fates[line.customerId === '' ? 'ordered_by_guest' : 'ordered'] += 1;
    const { quantity } = line;
    const lineNo = index + 1;
    accepted.push({ lineNo, productId, sellerId, quantity, unitPriceKrw: wonOf(line.unitPriceGbp) });
    remember(purchases, purchaseKey(line), { orderId: line.invoiceNo, lineNo, left: quantity });
  }
  return inParts(accepted).map((lines) => ({
    kind: 'order',
    at: timeOf(first),
    orderId: first.invoiceNo,
    deviceId: deviceOf(first),
    lines,
  }));
}

function refusalOf(line: OrderLine, sellerId: string | undefined): LineFate | null {
  if (!PRODUCT_CODE.test(line.stockCode)) return 'service_code';
  if (line.quantity <= 0) return 'stock_correction';
  if (!(line.unitPriceGbp > 0)) return 'zero_price';
  return sellerId === undefined ? 'unknown_product' : null;
}

function takeBack(
  invoice: Invoice,
  purchases: ReadonlyMap<string, Purchase[]>,
  fates: Record<LineFate, number>,
): ShopAction[] {
  const [first] = invoice;
  const cancelled = new Map<string, OrderCancellation['lines']>();
  for (const line of invoice) {
    const purchase = purchaseOf(line, purchases);
    if (!PRODUCT_CODE.test(line.stockCode)) fates.service_code += 1;
    else if (purchase === undefined) fates.unmatched_return += 1;
    else {
      purchase.left += line.quantity;
      fates[purchase.left === 0 ? 'cancelled' : 'returned_in_part'] += 1;
      if (purchase.left === 0) remember(cancelled, purchase.orderId, { lineNo: purchase.lineNo });
    }
  }
  return [...cancelled].flatMap(([orderId, all]) =>
    inParts(all).map((lines) => ({
      kind: 'cancellation',
      at: timeOf(first),
      orderId,
      deviceId: deviceOf(first),
      lines,
    })),
  );
}

/** A return's quantity is negative. A guest cannot be told from another guest. */
function purchaseOf(
  line: OrderLine,
  purchases: ReadonlyMap<string, readonly Purchase[]>,
): Purchase | undefined {
  if (line.customerId === '') return undefined;
  return purchases.get(purchaseKey(line))?.findLast(({ left }) => left >= -line.quantity);
}

const purchaseKey = (line: OrderLine) => `${line.customerId} ${productIdOf(line.stockCode)}`;

function remember<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function inParts<T>(lines: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < lines.length; from += MAX_ORDER_LINES) {
    parts.push(lines.slice(from, from + MAX_ORDER_LINES));
  }
  return parts;
}

const timeOf = (line: OrderLine): number => Date.parse(`${line.invoiceDate.replace(' ', 'T')}Z`);
