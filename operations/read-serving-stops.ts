import type pg from 'pg';
import type { ServingStop } from '../contracts/serving-stop.js';

const COLUMNS = `scope, id, stopped, reason, to_char(until_date, 'YYYY-MM-DD') AS "untilDate", version`;

/** Rows changed after a version, oldest first. */
export async function readStopsSince(pool: pg.Pool, version: number): Promise<ServingStop[]> {
  const { rows } = await pool.query<ServingStop>(
    `SELECT ${COLUMNS} FROM serving_stop WHERE version > $1 ORDER BY version`,
    [version],
  );
  return rows;
}

/** The same, at most `limit` of them. */
export async function readStopsAfter(pool: pg.Pool, version: number, limit: number): Promise<ServingStop[]> {
  const { rows } = await pool.query<ServingStop>({
    name: 'read-stops-after',
    text: `SELECT ${COLUMNS} FROM serving_stop WHERE version > $1 ORDER BY version LIMIT $2`,
    values: [version, limit],
  });
  return rows;
}

/** 0 while nothing was ever stopped. */
export async function readNewestStopVersion(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM serving_stop',
  );
  return rows[0]?.version ?? 0;
}

/**
 * A daily stop ends by itself when its day is over (KST). Ad servers know the date and do not wait for this; the row
 * is turned so that the campaign comes back into the rankings. At most `limit` at a time, the longest over first: at
 * midnight all daily stops end at once, and none of them is in a hurry. Returns how many were ended; a row that
 * somebody else is writing is left to the next call.
 */
export async function endExpiredStops(pool: pg.Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'end-expired-stops',
    text: `
      WITH over AS (SELECT scope, id FROM serving_stop
         WHERE stopped AND until_date < (SELECT business_date_of(business_now()))
         ORDER BY until_date, scope, id LIMIT $1 FOR UPDATE SKIP LOCKED)
      UPDATE serving_stop s
         SET stopped = false, reason = 'none', until_date = NULL,
             version = nextval('serving_stop_version'), updated_at = business_now()
        FROM over WHERE s.scope = over.scope AND s.id = over.id`,
    values: [limit],
  });
  return rowCount ?? 0;
}
