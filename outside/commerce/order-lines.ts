import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

/** One line of the real order feed, as published (see data/online-retail/README.md for the credit). */
export interface OrderLine {
  readonly invoiceNo: string;
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: number;
  /** Shop's local time, `YYYY-MM-DD HH:MM:SS`. */
  readonly invoiceDate: string;
  readonly unitPriceGbp: number;
  /** Empty when the feed has none. */
  readonly customerId: string;
}

export const ORDER_LINES_FILE = new URL(
  './data/online-retail/order-lines-2011-11-01-to-14.csv.gz',
  import.meta.url,
);

/** Streams the feed, oldest first. */
export async function* readOrderLines(file: URL = ORDER_LINES_FILE): AsyncGenerator<OrderLine> {
  const rows = createReadStream(file)
    .pipe(createGunzip())
    .pipe(parse({ columns: true, relax_quotes: true }));
  for await (const row of rows as AsyncIterable<Record<string, string>>) {
    yield {
      invoiceNo: row.InvoiceNo ?? '',
      stockCode: row.StockCode ?? '',
      description: (row.Description ?? '').trim(),
      quantity: Number(row.Quantity),
      invoiceDate: row.InvoiceDate ?? '',
      unitPriceGbp: Number(row.UnitPrice),
      customerId: (row.CustomerID ?? '').replace(/\.0$/, ''),
    };
  }
}
