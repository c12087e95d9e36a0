import type { Queryable } from '../infra/postgres.js';
import type { Campaign } from './campaign-read.js';
import { lockBudgets, openWallet } from './money-locks.js';
import { takeBookingDay } from './post-ledger.js';
import { readRankingParameters } from './read-ranking-parameters.js';
import { settleStops } from './resume-serving.js';
import { writeStops } from './serving-stops.js';

/**
 * Pause and end reach the ad servers the way a money stop does, within a second, whether or not Kafka and Flink
 * move: the snapshot only clears the ranking. Inside the caller's transaction, after the campaign's own lock.
 */
export async function stopServing(client: Queryable, campaign: Campaign): Promise<void> {
  const { campaignId, advertiserId } = campaign;
  await openWallet(client, advertiserId);
  const { bookedAt } = await takeBookingDay(client);
  const stop = { reason: 'paused', untilDate: null } as const;
  await writeStops(client, [{ scope: 'campaign', id: campaignId, stop }], bookedAt);
}

/** Ends the stop of a pause; a limit that is used up meanwhile stops the campaign in its place. */
export async function resumeServing(client: Queryable, campaign: Campaign): Promise<void> {
  const { campaignId, advertiserId } = campaign;
  const { bidFloorKrw } = await readRankingParameters(client);
  await openWallet(client, advertiserId);
  await lockBudgets(client, [campaignId]);
  const booking = await takeBookingDay(client);
  await settleStops(
    client,
    { advertiserId, campaignId, endsStops: [], endsPause: true, bidFloorKrw },
    booking,
  );
}
