import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatMiB } from './get-once.mjs';
import { dataRoot } from './places.mjs';

/** Prints what was got and built, and keeps it as JSON in the data folder. */
export function printSummary(rows, seconds) {
  const lines = rows.map((row) => [
    row.name,
    row.version,
    row.bytes > 0 ? formatMiB(row.bytes) : '',
    row.cached ? '' : `${row.seconds.toFixed(1)} s`,
    row.cached ? 'cached' : 'new',
  ]);
  process.stdout.write(`\n${table([['component', 'version', 'size', 'time', ''], ...lines])}\n`);
  process.stdout.write(`prepared in ${seconds.toFixed(1)} s\n\n`);
  mkdirSync(dataRoot(), { recursive: true });
  writeFileSync(
    join(dataRoot(), 'summary.json'),
    `${JSON.stringify({ at: new Date().toISOString(), seconds, rows }, null, 2)}\n`,
  );
}

/** Columns padded to their widest cell; the first row is the header. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
