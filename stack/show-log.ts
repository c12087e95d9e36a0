import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFolder, logPath } from './logs.js';

const FOLLOW_POLL_MS = 300;
const LAST_BYTES = 16_384;

/** Prints the end of a part's log, and with `follow` what comes, across rotations, until Ctrl-C. */
export async function showLog(dataDir: string, part: string | undefined, follow: boolean): Promise<number> {
  const path = part === undefined ? '' : logPath(dataDir, part);
  if (!existsSync(path)) {
    const folder = logFolder(dataDir);
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : [];
    process.stdout.write(
      `which log? ${names.map((name) => name.slice(0, -4)).join(', ') || `there are none in ${folder}`}\n`,
    );
    return 2;
  }
  let offset = Math.max(0, statSync(path).size - LAST_BYTES);
  for (;;) {
    offset = printFrom(path, offset);
    if (!follow) return 0;
    await sleep(FOLLOW_POLL_MS);
  }
}

/** @returns where to go on; a file that became shorter was rotated and is read from its start. */
function printFrom(path: string, offset: number): number {
  if (!existsSync(path)) return 0;
  const { size } = statSync(path);
  const start = size < offset ? 0 : offset;
  const buffer = Buffer.alloc(size - start);
  const file = openSync(path, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, start);
  } finally {
    closeSync(file);
  }
  process.stdout.write(buffer);
  return size;
}
