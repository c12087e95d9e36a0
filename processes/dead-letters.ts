import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TOPICS } from '../contracts/topics.js';
import { deadLetterStatusOf } from '../domain/dead-letter.js';
import { maskedField, maskedRecord, maskedText } from '../domain/masked-record.js';
import { appendRecord, topicName } from '../infra/kafka.js';
import { createPool, type DatabasePool } from '../infra/postgres.js';
import {
  type DeadLetterRow,
  listDeadLetters,
  readDeadLetter,
  readDeadLetterValue,
} from '../operations/read-dead-letters.js';
import { deadLetterIdOf } from '../operations/record-dead-letter.js';
import { replayDeadLetter } from '../operations/replay-dead-letters.js';
import { resolveDeadLetter } from '../operations/resolve-dead-letter.js';
import type { ProcessContext } from './process.js';
import { misused, refused } from './terminal.js';

const USAGE = `usage: dead-letters list [--resolved] [--reason TEXT]
       dead-letters show ID
       dead-letters replay ID... | --reason TEXT | --all
       dead-letters resolve ID --note "why it needs no outcome"
Add --by USER to name yourself in the audit log. docs/runbooks/dead-letters.md tells what to do when.
`;
/** Of one call: more are replayed by calling again, once these have been looked at. */
const MOST_AT_ONCE = 1_000;
/** How long a replay waits to tell what became of its records. */
const TOLD_WITHIN_MS = 15_000;
const ASK_EVERY_MS = 250;

const OPTIONS = {
  resolved: { type: 'boolean' },
  reason: { type: 'string' },
  all: { type: 'boolean' },
  note: { type: 'string' },
  by: { type: 'string', default: 'cli' },
} as const;

const readArgs = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
type Options = ReturnType<typeof readArgs>['values'];

interface Call {
  readonly context: ProcessContext;
  readonly pool: DatabasePool;
  readonly ids: readonly number[];
  readonly options: Options;
}

const COMMANDS: Readonly<Record<string, (call: Call) => Promise<number>>> = { list, show, replay, resolve };

/** `dead-letters list|show|replay|resolve`: what an admin does with records that no consumer could take. */
export async function deadLetters(context: ProcessContext, args: readonly string[]): Promise<number> {
  const parsed = parsedOrNull(args);
  const [name = '', ...texts] = parsed?.positionals ?? [];
  const ids = texts.map(deadLetterIdOf).filter((id) => id !== null);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (parsed === null || command === undefined || ids.length !== texts.length) return misused(USAGE);
  const pool = createPool(context.config);
  try {
    return await command({ context, pool, ids, options: parsed.values });
  } finally {
    await pool.end();
  }
}

function parsedOrNull(args: readonly string[]) {
  try {
    return readArgs(args);
  } catch {
    return null;
  }
}

/** A record may hold what commands a terminal: control characters are shown by their code. */
const printable = (text: string) =>
  text.replace(/[^\P{C}\n]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);

function lineOf(letter: DeadLetterRow): string {
  const { id, topic, partition, offset, failures, replays } = letter;
  const place = `${topic}/${partition}/${offset}`;
  const counts = `failed ${failures}×, replayed ${replays}×`;
  const end =
    letter.resolution === null ? maskedText(letter.reason) : `${letter.resolution} (${letter.resolvedBy})`;
  return `${String(id).padStart(6)}  ${deadLetterStatusOf(letter).padEnd(8)}  ${place}  ${counts}  ${printable(end).replaceAll('\n', ' ')}\n`;
}

async function list({ pool, options }: Call): Promise<number> {
  const status = options.resolved === true ? 'resolved' : 'unresolved';
  const { reason } = options;
  const rows = await listDeadLetters(pool, { status, reason, afterId: null, limit: MOST_AT_ONCE });
  for (const row of rows.slice(0, MOST_AT_ONCE)) process.stdout.write(lineOf(row));
  const more = rows.length > MOST_AT_ONCE ? ` (the first ${MOST_AT_ONCE})` : '';
  process.stdout.write(`${Math.min(rows.length, MOST_AT_ONCE)} ${status} dead letters${more}\n`);
  return 0;
}

async function show({ pool, ids: [id, ...others] }: Call): Promise<number> {
  if (id === undefined || others.length > 0) return misused(USAGE);
  const letter = await readDeadLetter(pool, id);
  if (letter === null) return refused({ message: `There is no dead letter ${id}.` });
  const value = await readDeadLetterValue(pool, id);
  const headers = Object.entries(letter.headers).map(
    ([name, text]) => `${name}: ${maskedField(name, text ?? '')}`,
  );
  process.stdout.write(
    printable(
      `${lineOf(letter)}key      ${maskedText(letter.key ?? '(none)')}\nheaders  ${headers.join(', ')}\n`,
    ),
  );
  process.stdout.write(
    `since    ${letter.createdAt.toISOString()}, failed last ${letter.failedAt.toISOString()}\n`,
  );
  process.stdout.write(
    `${value === null ? '(no value)' : printable(maskedRecord(value.toString('utf8')))}\n`,
  );
  return 0;
}

async function replay(call: Call): Promise<number> {
  const { context, pool, options } = call;
  const chosen = await chooseLetters(call);
  if (chosen === null) return misused(USAGE);
  const { config, log } = context;
  const topics = Object.values(TOPICS).map((topic) => topicName(config, topic));
  const append = (record: Parameters<typeof appendRecord>[2]) => appendRecord(config, log, record);
  const appended: number[] = [];
  for (const id of chosen) {
    const by = { actorId: options.by, actorRole: 'admin', via: 'cli' } as const;
    const replayed = await replayDeadLetter({ pool, topics, append, log }, { id, ...by });
    if (replayed.ok) appended.push(id);
    else refused({ ...replayed.error, message: `${id}: ${replayed.error.message}` });
    if (!replayed.ok && replayed.error.code === 'event_log_down') break;
  }
  const resolved = await tellOutcomes(pool, appended);
  process.stdout.write(`${appended.length} of ${chosen.length} replayed, ${resolved} resolved\n`);
  return resolved === chosen.length ? 0 : 1;
}

/** Ids as named, or every unresolved one (of a reason) that a replay can bring back; null when neither or both are asked for. */
async function chooseLetters({ pool, ids, options }: Call): Promise<readonly number[] | null> {
  const asked = [ids.length > 0, options.reason !== undefined, options.all === true];
  if (asked.filter(Boolean).length !== 1) return null;
  if (ids.length > 0) return ids;
  const filter = {
    status: 'unresolved',
    reason: options.reason,
    afterId: null,
    limit: MOST_AT_ONCE,
    replayableOnly: true,
  } as const;
  return (await listDeadLetters(pool, filter)).slice(0, MOST_AT_ONCE).map((row) => row.id);
}

/** Waits a little for the consumer, prints each record’s end, and returns how many are resolved. */
async function tellOutcomes(pool: DatabasePool, ids: readonly number[]): Promise<number> {
  const open = new Set(ids);
  let resolved = 0;
  const until = Date.now() + TOLD_WITHIN_MS;
  for (;;) {
    const isLast = Date.now() >= until;
    for (const id of [...open]) {
      const letter = await readDeadLetter(pool, id);
      if (letter === null || (deadLetterStatusOf(letter) === 'replayed' && !isLast)) continue;
      process.stdout.write(lineOf(letter));
      open.delete(id);
      if (letter.resolvedAt !== null) resolved += 1;
    }
    if (open.size === 0 || isLast) return resolved;
    await delay(ASK_EVERY_MS);
  }
}

async function resolve({ pool, ids: [id, ...others], options }: Call): Promise<number> {
  const note = options.note?.trim() ?? '';
  if (id === undefined || others.length > 0 || note.length < 5 || note.length > 500) return misused(USAGE);
  const by = { actorId: options.by, actorRole: 'admin', via: 'cli' } as const;
  const resolved = await resolveDeadLetter(pool, { id, note, ...by });
  if (!resolved.ok) return refused(resolved.error);
  process.stdout.write(lineOf(resolved.value));
  return 0;
}
