-- The compacted topic campaign-events: whole campaigns, their money state, ranking parameters. Each record is the
-- whole truth of its key; fields that belong to another event type are null. The `version` of the three kinds are
-- three different counters. Tombstones are skipped by the format.
CREATE TABLE campaign_events (
  `type`       STRING,
  `version`    BIGINT,
  campaignId   STRING,
  -- CAMPAIGN_*
  advertiserId STRING,
  status       STRING,
  ads          ARRAY<ROW<adId STRING, productId STRING, categoryId STRING>>,
  keywords     ARRAY<STRING>,
  bids         ARRAY<ROW<placement STRING, maxCpcKrw BIGINT>>,
  targeting    STRING,
  startAt      BIGINT,
  endAt        BIGINT,
  -- CAMPAIGN_SERVING_CHANGED
  stopped      BOOLEAN,
  -- RANKING_PARAMETERS_CHANGED
  parameters   ROW<priorClicksMilli BIGINT, priorImpressionsMilli BIGINT, bidFloorKrw BIGINT>
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}campaign-events',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'properties.group.id' = '${TOPIC_PREFIX}flink-${STATEMENT}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '1 min',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)
