import type { ServingStop } from '../contracts/serving-stop.js';
import type { BusinessDate } from '../domain/business-date.js';
import type { StopState } from '../domain/serving-stop.js';
import type { Queryable } from '../infra/postgres.js';

/** PostgreSQL channel: payload is a JSON array of ServingStop. Lost messages are found by polling `version`. */
export const SERVING_STOP_CHANNEL = 'serving_stop';

/** Null: served again. */
export interface StopWrite {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly stop: StopState | null;
}

export interface StopRow {
  readonly scope: 'campaign' | 'advertiser';
  readonly id: string;
  readonly reason: ServingStop['reason'];
  readonly until_date: BusinessDate | null;
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
  const { rows } = await client.query<{ stops: ServingStop[] }>({
    name: 'write-serving-stops',
    text: 'SELECT write_serving_stops($1, $2) AS stops',
    values: [JSON.stringify(writes.map(toStopRow)), bookedAt.toISOString()],
  });
  return rows[0]?.stops ?? [];
}

/** A stop as `write_serving_stops` takes it. */
export const toStopRow = ({ scope, id, stop }: StopWrite) => ({
  scope,
  id,
  reason: stop?.reason ?? 'none',
  until_date: stop?.untilDate ?? null,
});

/** The stops of these advertisers and campaigns, keyed `scope:id`; what is served has no entry. */
export async function readStops(
  client: Queryable,
  advertiserIds: readonly string[],
  campaignIds: readonly string[],
): Promise<Map<string, StopState>> {
  const { rows } = await client.query<StopRow>({
    name: 'read-serving-stops',
    text: `SELECT scope, id, reason, until_date FROM serving_stop WHERE stopped
      AND ((scope = 'advertiser' AND id = ANY($1)) OR (scope = 'campaign' AND id = ANY($2)))`,
    values: [advertiserIds, campaignIds],
  });
  return stopsFrom(rows);
}

export function stopsFrom(rows: readonly StopRow[]): Map<string, StopState> {
  const stops = new Map<string, StopState>();
  for (const { scope, id, reason, until_date: untilDate } of rows) {
    if (reason !== 'none') stops.set(`${scope}:${id}`, { reason, untilDate });
  }
  return stops;
}
