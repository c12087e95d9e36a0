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
}

/** Sets one record aside, once, however often it is delivered. */
export async function recordDeadLetter(pool: pg.Pool | pg.PoolClient, letter: DeadLetter): Promise<void> {
  await pool.query(
    `INSERT INTO dead_letter (topic, partition, "offset", key, headers, value, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
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

/** PostgreSQL text holds neither NUL nor half a surrogate pair; the bytes themselves stand in `value`. */
function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\u0000', '\ufffd').toWellFormed()) as T;
}
