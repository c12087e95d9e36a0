import { categoryOf } from './categories.js';
import { type OrderLine, readOrderLines } from './order-lines.js';
import { sellerFor } from './sellers.js';

export interface CatalogueProduct {
  readonly productId: string;
  readonly name: string;
  readonly categoryId: string;
  readonly sellerId: string;
  readonly priceKrw: number;
  /** Order lines in the feed: the true popularity skew. */
  readonly popularity: number;
}

export interface Catalogue {
  /** Most popular first, then by id. */
  readonly products: readonly CatalogueProduct[];
  /** Rows that are no product, by reason: feeds are dirty, and nothing is dropped in silence. */
  readonly rejected: Readonly<Record<'service_code' | 'zero_price' | 'no_description', number>>;
}

export const WON_PER_POUND = 1_700;

/** Product codes are five digits with optional letters; POST, DOT, M, BANK CHARGES and the like are services. */
export const PRODUCT_CODE = /^\d{5}[A-Z]{0,2}$/i;

interface Tally {
  lines: number;
  readonly names: Map<string, number>;
  readonly prices: number[];
}

/** The shop's catalogue from its real order lines: the commonest name, the median price, the line count. */
export async function buildCatalogue(lines: AsyncIterable<OrderLine> = readOrderLines()): Promise<Catalogue> {
  const tallies = new Map<string, Tally>();
  const rejected = { service_code: 0, zero_price: 0, no_description: 0 };
  for await (const line of lines) {
    if (line.quantity <= 0) continue;
    if (!PRODUCT_CODE.test(line.stockCode)) rejected.service_code += 1;
    else if (!(line.unitPriceGbp > 0)) rejected.zero_price += 1;
    else if (line.description === '') rejected.no_description += 1;
    else addLine(tallies, line);
  }
  const products = [...tallies].map(([code, tally]) => toProduct(code, tally));
  products.sort((a, b) => b.popularity - a.popularity || (a.productId < b.productId ? -1 : 1));
  return { products, rejected };
}

function addLine(tallies: Map<string, Tally>, line: OrderLine): void {
  const code = line.stockCode.toUpperCase();
  const tally = tallies.get(code) ?? { lines: 0, names: new Map<string, number>(), prices: [] };
  tallies.set(code, tally);
  tally.lines += 1;
  tally.names.set(line.description, (tally.names.get(line.description) ?? 0) + 1);
  tally.prices.push(line.unitPriceGbp);
}

function toProduct(code: string, tally: Tally): CatalogueProduct {
  const [name] = [...tally.names].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0] ?? [''];
  const sorted = tally.prices.sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const title = titleCase(name);
  const categoryId = categoryOf(title);
  return {
    productId: productIdOf(code),
    name: title,
    categoryId,
    sellerId: sellerFor(categoryId, stablePoint(code)).id,
    priceKrw: wonOf(median),
    popularity: tally.lines,
  };
}

export const productIdOf = (stockCode: string): string => `prd_${stockCode.toLowerCase()}`;

/** A price in pounds as the shop writes it: at one fixed rate, in steps of ten won, never free. */
export const wonOf = (pounds: number): number => Math.max(10, Math.round((pounds * WON_PER_POUND) / 10) * 10);

function titleCase(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase());
}

/** 0..99 from a product code, the same on every machine (FNV-1a). */
export function stablePoint(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash % 100;
}
