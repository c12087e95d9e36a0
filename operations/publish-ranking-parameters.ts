import {
  type RankingParametersChanged,
  rankingParametersChangedSchema,
} from '../contracts/events/campaign-events.js';
import { HEADER_TYPE, RANKING_PARAMETERS_KEY } from '../contracts/topics.js';
import { DEFAULT_RANKING_PARAMETERS, type RankingParameters } from '../domain/ranking.js';
import type { PublishCampaignDeps } from './campaign-snapshot.js';
import { readRankingParameters } from './read-ranking-parameters.js';

/**
 * Publishes the newest parameters; sets the defaults as version 1 when there are none yet. Published again they
 * are the same record of a compacted key, so this may run at every start.
 */
export async function publishRankingParameters(deps: PublishCampaignDeps): Promise<RankingParameters> {
  await deps.pool.query(
    `INSERT INTO ranking_parameters (version, prior_clicks_milli, prior_impressions_milli, bid_floor_krw, created_by)
     VALUES ($1, $2, $3, $4, 'system') ON CONFLICT (version) DO NOTHING`,
    [
      DEFAULT_RANKING_PARAMETERS.version,
      DEFAULT_RANKING_PARAMETERS.priorClicksMilli,
      DEFAULT_RANKING_PARAMETERS.priorImpressionsMilli,
      DEFAULT_RANKING_PARAMETERS.bidFloorKrw,
    ],
  );
  const { version, ...parameters } = await readRankingParameters(deps.pool);
  const event: RankingParametersChanged = rankingParametersChangedSchema.parse({
    eventId: `ranking-parameters:${version}`,
    schemaVersion: 1,
    recordedAt: deps.now(),
    type: 'RANKING_PARAMETERS_CHANGED',
    version,
    parameters,
  });
  await deps.producer.send({
    topic: deps.campaignEventsTopic,
    acks: -1,
    messages: [
      { key: RANKING_PARAMETERS_KEY, value: JSON.stringify(event), headers: { [HEADER_TYPE]: event.type } },
    ],
  });
  return { version, ...parameters };
}
