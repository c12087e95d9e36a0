import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { Response } from 'express';
import { REPORT_DISCLOSURE } from '../../domain/report-disclosure.js';
import { ANSWERED } from '../kit/route.js';

/** Excel takes a file for UTF-8 only when it begins with this. */
const BYTE_ORDER_MARK = '\uFEFF';

/** Streams rows as they are read, so that a day of any size needs little memory. */
export async function sendCsv<Row extends object>(
  res: Response,
  file: {
    readonly name: string;
    readonly about: readonly string[];
    readonly columns: readonly (keyof Row & string)[];
  },
  rows: AsyncIterable<Row> | Iterable<Row>,
): Promise<typeof ANSWERED> {
  res.status(200);
  res.setHeader('content-type', 'text/csv; charset=utf-8');
  res.setHeader('content-disposition', `attachment; filename="${file.name}"`);
  res.setHeader('cache-control', 'no-store');
  await pipeline(
    linesOf(file, rows),
    stringify({ escape_formulas: true, record_delimiter: 'windows' }),
    withMark,
    res,
  );
  return ANSWERED;
}

async function* withMark(text: AsyncIterable<string | Buffer>) {
  yield BYTE_ORDER_MARK;
  yield* text;
}

async function* linesOf<Row extends object>(
  {
    about,
    columns,
  }: { readonly about: readonly string[]; readonly columns: readonly (keyof Row & string)[] },
  rows: AsyncIterable<Row> | Iterable<Row>,
): AsyncGenerator<unknown[]> {
  yield [...about];
  for (const line of REPORT_DISCLOSURE) yield [`# ${line}`];
  yield [...columns];
  for await (const row of rows) yield columns.map((column) => row[column]);
}
