import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { Response } from 'express';
import { ANSWERED } from '../kit/route.js';

/** Excel takes a file for UTF-8 only when it begins with this. */
const BYTE_ORDER_MARK = '\uFEFF';

/** What every report discloses about its counting (IAB/MRC retail media guidelines). */
const DISCLOSURE = [
  [
    '# 기준',
    '과금 클릭: 무효 클릭(중복 10초, 봇, 과다 클릭, 만료 토큰, 자사 클릭) 제외 후 순 클릭. 금액은 부가세 포함 원화',
  ],
  [
    '# 기여',
    '클릭 후 24시간 이내, 동일 기기, 마지막 클릭. 직접(동일 상품) 우선, 간접(동일 판매자). 노출 기여 없음',
  ],
  ['# 일자', '한국 시간(Asia/Seoul) 장부 기록일. 이후 취소된 클릭은 취소가 기록된 날에 표시됩니다'],
  ['# 확정', '세금계산서와 보고서가 다를 때에는 세금계산서가 우선합니다'],
];

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
  await pipeline(linesOf(file, rows), stringify({ escape_formulas: true }), withMark, res);
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
  for (const line of DISCLOSURE) yield line;
  yield [...columns];
  for await (const row of rows) yield columns.map((column) => row[column]);
}
