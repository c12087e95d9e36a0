import { TOPICS } from '../contracts/topics.js';
import type { Queryable } from '../infra/postgres.js';

export interface DeadLetterRow {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly reason: string;
  readonly createdAt: Date;
  /** How often it failed: once, and once more for each replay that failed. */
  readonly failures: number;
  readonly failedAt: Date;
  readonly replays: number;
  readonly replayedAt: Date | null;
  readonly replayedBy: string | null;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
}

const COLUMNS = `id, topic, partition, "offset", key, headers, reason, created_at AS "createdAt", failures,
  failed_at AS "failedAt", replays, replayed_at AS "replayedAt", replayed_by AS "replayedBy", resolved_at AS "resolvedAt",
  resolved_by AS "resolvedBy", resolution`;

export async function readDeadLetter(
  db: Queryable,
  id: number,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<DeadLetterRow | null> {
  const { rows } = await db.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter WHERE id = $1 ${lock ? 'FOR UPDATE' : ''}`,
    [id],
  );
  return rows[0] ?? null;
}

/** The bytes of the record; null when there is no such letter or the record had none. */
export async function readDeadLetterValue(db: Queryable, id: number): Promise<Buffer | null> {
  const { rows } = await db.query<{ value: Buffer | null }>('SELECT value FROM dead_letter WHERE id = $1', [
    id,
  ]);
  return rows[0]?.value ?? null;
}

export const DEAD_LETTER_STATUSES = ['unresolved', 'resolved', 'all'] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];

export interface DeadLetterFilter {
  readonly status: DeadLetterStatus;
  /** A part of the reason, as it is written. */
  readonly reason?: string | undefined;
  readonly topic?: string | undefined;
  /** Without those that no replay brings back: the letters of conversion-events. */
  readonly replayableOnly?: boolean;
  /** Only letters after this id. */
  readonly afterId: number | null;
  readonly limit: number;
}

/** The oldest first, since these hold up the close of a day. Reads `limit + 1` rows. */
export async function listDeadLetters(db: Queryable, filter: DeadLetterFilter): Promise<DeadLetterRow[]> {
  const { rows } = await db.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter
     WHERE ($1 = 'all' OR (resolved_at IS NULL) = ($1 = 'unresolved'))
       AND ($2::text IS NULL OR strpos(reason, $2) > 0) AND ($3::text IS NULL OR topic = $3)
       AND ($4::bigint IS NULL OR id > $4) AND ($6::text IS NULL OR topic NOT LIKE '%' || $6)
     ORDER BY id LIMIT $5`,
    [
      filter.status,
      filter.reason ?? null,
      filter.topic ?? null,
      filter.afterId,
      filter.limit + 1,
      filter.replayableOnly === true ? TOPICS.conversionEvents : null,
    ],
  );
  return rows;
}
