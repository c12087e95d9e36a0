/**
 * Every key in Redis. All of it can be rebuilt: Redis never holds the only copy of anything. Keys that one script
 * writes together share a hash tag (`{ranking}`), so that a Redis Cluster keeps them on one node and takes the script.
 */
export const REDIS_KEYS = {
  /** STRING, JSON array of RankingEntry, best first. Written by Flink only. No TTL. */
  ranking: (placement: string, target: string) => `{ranking}:${placement}:${target}`,
  rankingPrefix: '{ranking}:',
  /** ZSET key -> version: what changed since. Written by the Flink sink in the same script as the value. */
  rankingChanges: '{ranking}-changes',
  /** STRING, integer: the newest version in `{ranking}-changes`. */
  rankingVersion: '{ranking}-version',
  /** STRING, random: a new one means that Redis came back empty and readers must load everything again. */
  rankingEpoch: '{ranking}-epoch',
  /** STRING `token:batch`: which writer of the Flink sink holds the table; a newer one ends an older one. */
  rankingWriter: '{ranking}-epoch:writer',
  /** STRING, JSON {version, status}: the newest campaign version that the ranking has taken in. Flink. No TTL. */
  campaignAcknowledgement: (campaignId: string) => `{campaign-acknowledged}:${campaignId}`,
  campaignAcknowledgementPrefix: '{campaign-acknowledged}:',
  /** STRING, JSON AdPerformance of the newest 5-minute window of an ad on a placement. TTL 15 min. Flink, one by one. */
  performance: (adId: string, placement: string) => `performance:${adId}:${placement}`,
  performancePrefix: 'performance:',
  /** HASH `campaign:<id>` | `advertiser:<id>` -> JSON ServingStop. Budget monitor and balance worker. No TTL. */
  servingStops: 'serving-stops',
  /** HASH campaign id -> share of queries, ppm, of campaigns that spend evenly. Budget monitor. TTL 60 s as a whole. */
  pacing: 'pacing',
  /** STRING, name of the monitor that paces. TTL 25 s. */
  pacingController: 'pacing-controller',
  /** HASH `<placement>:<outcome>` -> count of one campaign in one clock hour. Ad server. TTL 48 h. */
  servingReasons: (campaignId: string, hour: number) => `serving-reasons:${campaignId}:${hour}`,
  /** LIST, JSON ServingSample, newest first, at most 20. Ad server. TTL 2 h. */
  servingSamples: (campaignId: string) => `serving-samples:${campaignId}`,
  /** STRING integer, TTL 60 s: clicks of a device or an address in the running minute. Ad server. */
  deviceClicks: (deviceHash: string, minute: number) => `clicks:device:${deviceHash}:${minute}`,
  ipClicks: (ipHash: string, minute: number) => `clicks:ip:${ipHash}:${minute}`,
  /** STRING epoch ms, TTL 10 s: last click of this device on this ad. Ad server. */
  lastClick: (deviceHash: string, adId: string) => `clicks:last:${deviceHash}:${adId}`,
  /** STRING JSON ClickSignals counters, TTL 24 h: stamped once per click id, whatever is retried. Ad server. */
  clickSignals: (clickId: string) => `clicks:signals:${clickId}`,
} as const;

export const REDIS_CHANNELS = {
  /** Payload: the newest version; the change list says what changed. */
  rankingChanged: 'ranking-changed',
  /** Payload: JSON array of ServingStop. */
  servingStopsChanged: 'serving-stops-changed',
  /** Payload: JSON array of BudgetLeft. Balance worker, and the budget monitor after money came. */
  budgetLeft: 'budget-left',
  /** Payload: JSON array of PassShare. */
  pacingChanged: 'pacing-changed',
  /** Payload: JSON array of ClickOutcomeMessage, for the ad server instance of that name. */
  clickOutcomes: (instance: string) => `click-outcomes:${instance}`,
  /** Payload: API key id that was revoked. */
  apiKeyRevoked: 'api-key-revoked',
} as const;
