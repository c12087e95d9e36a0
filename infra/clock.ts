import type { Queryable } from './postgres.js';

/** Business time, epoch milliseconds: real time plus an offset that only moves forward (zero in production). */
export interface Clock {
  now(): number;
}

export interface BusinessClock extends Clock {
  /** Reads the offset from PostgreSQL now; also done every `refreshMs` in the background. */
  refresh(): Promise<void>;
  /** Ends the background reading. */
  stop(): void;
}

export interface BusinessClockOptions {
  readonly refreshMs?: number;
  /** Refuses any offset: production runs on real time. */
  readonly mustBeReal?: boolean;
  /** A failed reading keeps the last offset: the offset only changes in demonstrations and tests. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A process's copy of the business clock, at most `refreshMs` behind a move of the offset. Money is never booked
 * by this copy: the charging and closing transactions ask PostgreSQL itself.
 */
export async function startBusinessClock(
  db: Queryable,
  options: BusinessClockOptions = {},
): Promise<BusinessClock> {
  const read = async () => {
    const readMs = await readOffsetMs(db);
    if (options.mustBeReal === true && readMs !== 0) {
      throw new Error(`the business clock is ${readMs} ms ahead of real time, which production refuses`);
    }
    return readMs;
  };
  let offsetMs = await read();
  const refresh = async () => {
    const readMs = await read();
    // Only forward; but a demonstration that begins some weeks ago is set back once, from zero.
    offsetMs = offsetMs === 0 ? readMs : Math.max(offsetMs, readMs);
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) => options.onError?.(error));
  }, options.refreshMs ?? 1_000);
  timer.unref();
  return { now: () => Date.now() + offsetMs, refresh, stop: () => clearInterval(timer) };
}

async function readOffsetMs(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ offset_ms: number | string }>('SELECT offset_ms FROM business_clock');
  const row = rows[0];
  if (!row) throw new Error('business_clock has no row: the schema is not migrated');
  return Number(row.offset_ms);
}
