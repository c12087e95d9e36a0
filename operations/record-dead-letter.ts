import type pg from 'pg';

export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly value: Buffer | null;
  /** What is wrong, for the person who will look at it. */
  readonly reason: string;
  /** The dead letter that this record is the replay of, as its header says. */
  readonly replayOf?: string | null | undefined;
}

/**
 * Sets one record aside, once, however often it is delivered. A replay that fails again raises the failures of the
 * letter that it was replayed from; a letter that is resolved stays resolved, whatever a second copy of it does.
 */
export async function recordDeadLetter(pool: pg.Pool | pg.PoolClient, letter: DeadLetter): Promise<void> {
  if (await raiseFailures(pool, letter)) return;
  await pool.query(
    `INSERT INTO dead_letter (topic, partition, "offset", key, headers, value, reason, last_partition, last_offset)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $2, $3)
     ON CONFLICT (topic, partition, "offset") DO NOTHING`,
    [
      letter.topic,
      letter.partition,
      letter.offset,
      storable(letter.key),
      Object.fromEntries(Object.entries(letter.headers).map(([name, text]) => [name, storable(text)])),
      letter.value,
      storable(letter.reason),
    ],
  );
}

/**
 * False when this record is nobody's replay: what a header says counts only for the same bytes, so that a record with
 * the id of another letter (of a database that was restored, say) is set aside by itself and not lost. A place in the
 * log that was counted, or lies before the last one, is a redelivery.
 */
async function raiseFailures(pool: pg.Pool | pg.PoolClient, letter: DeadLetter): Promise<boolean> {
  const id = deadLetterIdOf(letter.replayOf);
  if (id === null) return false;
  const { rowCount } = await pool.query(
    `UPDATE dead_letter SET
       failures = failures + (CASE WHEN last_partition = $3 AND last_offset >= $4 THEN 0 ELSE 1 END),
       failed_at = CASE WHEN last_partition = $3 AND last_offset >= $4 THEN failed_at ELSE now() END,
       last_partition = $3, last_offset = CASE WHEN last_partition = $3 THEN greatest(last_offset, $4) ELSE $4 END,
       reason = CASE WHEN resolved_at IS NULL THEN $5 ELSE reason END
     WHERE id = $1 AND topic = $2 AND value IS NOT DISTINCT FROM $6::bytea`,
    [id, letter.topic, letter.partition, letter.offset, storable(letter.reason), letter.value],
  );
  return rowCount === 1;
}

/** The id in a header or a path; null for anything that is no id of a row. */
export function deadLetterIdOf(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^[1-9]\d{0,15}$/.test(text)) return null;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : null;
}

/** PostgreSQL text holds neither NUL nor half a surrogate pair; the bytes themselves stand in `value`. */
function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\u0000', '\ufffd').toWellFormed()) as T;
}
