/**
 * Many logs in one job, so that its start-up is paid once: the ids of each begin with its name, so they meet nowhere
 * but where a statement knows no ids (HOME's ranking, the ranking parameters).
 */
const ID_FIELDS: ReadonlySet<string> = new Set([
  'eventId',
  'requestId',
  'adId',
  'campaignId',
  'advertiserId',
  'productId',
  'categoryId',
  'clickId',
  'deviceHash',
  'orderLineId',
  'orderId',
  'sellerId',
]);

const PREFIX_END = '~';

/** What every id of this log begins with. */
export const prefixOf = (log: string) => `${log}${PREFIX_END}`;

/** The log that an id belongs to; undefined when it has no name before it. */
export function logOf(id: string): string | undefined {
  const end = id.indexOf(PREFIX_END);
  return end < 0 ? undefined : id.slice(0, end);
}

/** The same rows with the name before every id and keyword. Empty ids (an unknown device) stay empty. */
export function named<T>(rows: readonly T[], log: string): readonly T[] {
  const prefix = prefixOf(log);
  const withName = (value: unknown) =>
    typeof value === 'string' && value !== '' ? `${prefix}${value}` : value;
  const rename = (key: string, value: unknown): unknown => {
    if (key === 'keywords' && Array.isArray(value)) return value.map(withName);
    return ID_FIELDS.has(key) ? withName(value) : value;
  };
  return JSON.parse(JSON.stringify(rows, rename));
}

/**
 * One log of many: each keeps its order, and nothing in it lies further behind the others than it lay behind its own.
 * So a row is late in the whole exactly when it was late in its log.
 */
export function merged<T>(logs: readonly (readonly T[])[]): T[] {
  return logs
    .flatMap((rows) => {
      let newestMs = 0;
      return rows.map((row) => {
        newestMs = Math.max(newestMs, recordedAtOf(row) ?? 0);
        return { row, newestMs };
      });
    })
    .sort((a, b) => a.newestMs - b.newestMs)
    .map(({ row }) => row);
}

/** Epoch ms; undefined when a row does not say. */
export function recordedAtOf(row: unknown): number | undefined {
  const found = typeof row === 'object' && row !== null && 'recordedAt' in row ? row.recordedAt : undefined;
  return typeof found === 'number' ? found : undefined;
}
