import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createStream } from 'rotating-file-stream';

/** `<data>/logs/<part>.log`: rotated at 10 MB, five old ones kept. */
const TAIL_LINES = 40;

export const logFolder = (dataDir: string) => join(dataDir, 'logs');
export const logPath = (dataDir: string, part: string) => join(logFolder(dataDir), `${part}.log`);

export interface PartLog {
  readonly path: string;
  readonly attach: (stream: Readable) => void;
  readonly line: (text: string) => void;
  /** The last lines of this run, for the report of a failed start. */
  readonly tail: () => string;
  readonly close: () => Promise<void>;
}

export function openLog(dataDir: string, part: string): PartLog {
  mkdirSync(logFolder(dataDir), { recursive: true });
  const file = createStream(`${part}.log`, { path: logFolder(dataDir), size: '10M', rotate: 5 });
  let lines: string[] = [];
  let problem = '';
  // A full disk must not end the supervisor; the tail then says why the file stops.
  file.on('error', (error: Error) => {
    problem = `(log file: ${error.message})`;
  });
  const remember = (text: string) => {
    lines = [...lines, ...text.split('\n').filter((line) => line !== '')].slice(-TAIL_LINES);
  };
  const write = (text: string) => {
    remember(text);
    file.write(text);
  };
  return {
    path: logPath(dataDir, part),
    attach: (stream) => {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => write(chunk));
    },
    line: (text) => write(`${text}\n`),
    tail: () => [...lines, problem].filter((line) => line !== '').join('\n'),
    close: () => new Promise((resolve) => file.end(() => resolve())),
  };
}
