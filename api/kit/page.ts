import { z } from 'zod';
import { err, type Failure, ok, type Result } from '../../domain/result.js';
import { isStorableText } from '../../domain/storable-text.js';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** What every list takes: how many, and where the last page ended. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
  cursor: z.string().max(512).optional().describe('`nextCursor` of the page before.'),
});

/** What every list answers. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('Null on the last page.'),
  });
}

/** The place after a row: the values that the list is ordered by. Opaque to callers. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Null: from the start. Error: `invalid_cursor`, also for a forged place that the database could not even compare. */
export function decodeCursor<T>(cursor: string | undefined, schema: z.ZodType<T>): Result<T | null> {
  if (cursor === undefined) return ok(null);
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  return parsed.success && isPosition(parsed.data) ? ok(parsed.data) : err(INVALID_CURSOR);
}

/** Numbers of a position are sequence numbers and epoch milliseconds; its texts are ids. */
function isPosition(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((part: unknown) =>
      typeof part === 'number'
        ? Number.isSafeInteger(part) && part >= 0
        : typeof part !== 'string' || isStorableText(part),
    )
  );
}

const INVALID_CURSOR: Failure = {
  code: 'invalid_cursor',
  message: 'This cursor is not one of ours.',
  nextStep: 'Start again without a cursor.',
  field: 'query.cursor',
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Rows were read with `limit + 1`: the one too many says that there is another page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  positionOf: (row: Row) => readonly (string | number)[],
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toItem), nextCursor: more ? encodeCursor(positionOf(last)) : null };
}
