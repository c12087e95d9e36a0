-- The topic ad-events, as the conversion match reads it: clicks. Event time is when we recorded the click; CLOCK_TICK
-- keeps it moving in every partition, so there is no idle timeout (one loses rows).
CREATE TABLE ad_clicks (
  schemaVersion INT,
  `type`        STRING,
  recordedAt    BIGINT,
  clickId       STRING,
  adId          STRING,
  campaignId    STRING,
  advertiserId  STRING,
  productId     STRING,
  placement     STRING,
  deviceHash    STRING,
  clean         BOOLEAN,
  eventTime     AS TO_TIMESTAMP_LTZ(recordedAt, 3),
  processedAt   AS PROCTIME(),
  WATERMARK FOR eventTime AS eventTime - INTERVAL '${MATCH_WATERMARK_DELAY}' MINUTE TO SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}ad-events',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'properties.group.id' = '${TOPIC_PREFIX}flink-${STATEMENT}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '1 min',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)
