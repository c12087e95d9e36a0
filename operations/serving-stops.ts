import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import type { StopState } from '../domain/serving-stop.js';
import type { Queryable } from '../infra/postgres.js';

/** PostgreSQL channel: payload is a JSON array of ServingStop. Lost messages are found by polling `version`. */
export const SERVING_STOP_CHANNEL = 'serving_stop';

/** A notification holds at most 8,000 bytes. */
const STOPS_PER_NOTIFICATION = 25;

/** Null: served again. */
export interface StopWrite {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly stop: StopState | null;
}

interface StopRow {
  scope: 'campaign' | 'advertiser';
  id: string;
  stopped: boolean;
  reason: ServingStop['reason'];
  until_date: string | null;
  version: number;
}

/**
 * Writes stops with a rising version each and announces them with the commit of this transaction. The caller holds
 * the lock of the advertiser's balance row, which orders all stop writers of one advertiser.
 */
export async function writeStops(
  client: Queryable,
  writes: readonly StopWrite[],
  bookedAt: Date,
): Promise<ServingStop[]> {
  if (writes.length === 0) return [];
  const { rows } = await client.query<StopRow>({
    name: 'write-serving-stops',
    text: `
      INSERT INTO serving_stop (scope, id, stopped, reason, until_date, version, updated_at)
      SELECT v.scope, v.id, v.reason <> 'none', v.reason, v.until_date,
        nextval('serving_stop_version'), $5
      FROM unnest($1::text[], $2::text[], $3::text[], $4::date[]) AS v(scope, id, reason, until_date)
      ORDER BY v.scope, v.id
      ON CONFLICT (scope, id) DO UPDATE SET stopped = excluded.stopped, reason = excluded.reason,
        until_date = excluded.until_date, version = nextval('serving_stop_version'), updated_at = excluded.updated_at
      RETURNING scope, id, stopped, reason, until_date, version`,
    values: [
      writes.map((write) => write.scope),
      writes.map((write) => write.id),
      writes.map((write) => write.stop?.reason ?? 'none'),
      writes.map((write) => write.stop?.untilDate ?? null),
      bookedAt.toISOString(),
    ],
  });
  const stops = rows.map(toServingStop);
  for (let start = 0; start < stops.length; start += STOPS_PER_NOTIFICATION) {
    const payload = JSON.stringify(stops.slice(start, start + STOPS_PER_NOTIFICATION));
    await client.query('SELECT pg_notify($1, $2)', [SERVING_STOP_CHANNEL, payload]);
  }
  return stops;
}

/** The stops of these advertisers and campaigns, keyed `scope:id`; what is served has no entry. */
export async function readStops(
  client: Queryable,
  advertiserIds: readonly string[],
  campaignIds: readonly string[],
): Promise<Map<string, StopState>> {
  const { rows } = await client.query<StopRow>({
    name: 'read-serving-stops',
    text: `SELECT scope, id, stopped, reason, until_date, version FROM serving_stop WHERE stopped
      AND ((scope = 'advertiser' AND id = ANY($1)) OR (scope = 'campaign' AND id = ANY($2)))`,
    values: [advertiserIds, campaignIds],
  });
  const stops = new Map<string, StopState>();
  for (const row of rows) {
    if (row.reason === 'none') continue;
    stops.set(`${row.scope}:${row.id}`, {
      reason: row.reason,
      untilDate: row.until_date as BusinessDate | null,
    });
  }
  return stops;
}

function toServingStop(row: StopRow): ServingStop {
  const { scope, id, stopped, reason, version } = row;
  return { scope, id, stopped, reason, untilDate: row.until_date, version };
}
