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

export async function readAllStops(pool: pg.Pool): Promise<ServingStop[]> {
  const { rows } = await pool.query<ServingStop>(`SELECT ${COLUMNS} FROM serving_stop ORDER BY version`);
  return rows;
}

/**
 * A daily stop ends by itself when its day is over (KST). Ad servers know the date and do not wait for this;
 * the row is turned so that the campaign comes back into the rankings. Returns how many were ended.
 */
export async function endExpiredStops(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE serving_stop
        SET stopped = false, reason = 'none', until_date = NULL,
            version = nextval('serving_stop_version'), updated_at = business_now()
      WHERE stopped AND until_date < (business_now() AT TIME ZONE 'Asia/Seoul')::date`,
  );
  return rowCount ?? 0;
}
