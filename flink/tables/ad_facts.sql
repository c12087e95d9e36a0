-- The topic ad-events, as performance reads it: everything that is counted. Event time is when we recorded the event;
-- CLOCK_TICK keeps it moving in every partition, so there is no idle timeout (one loses rows).
CREATE TABLE ad_facts (
  eventId            STRING,
  `type`             STRING,
  recordedAt         BIGINT,
  -- ADS_SERVED: one record may carry many requests
  served             ARRAY<ROW<placement STRING, ads ARRAY<ROW<slot INT, adId STRING, campaignId STRING>>>>,
  -- AD_VIEWED, AD_CLICK_DECIDED, AD_CONVERTED, AD_CONVERSION_REVERSED
  adId               STRING,
  campaignId         STRING,
  placement          STRING,
  -- AD_CLICK_DECIDED
  valid              BOOLEAN,
  -- AD_CONVERTED, AD_CONVERSION_REVERSED
  conversionValueKrw BIGINT,
  eventTime          AS TO_TIMESTAMP_LTZ(recordedAt, 3),
  WATERMARK FOR eventTime AS eventTime - INTERVAL '${WATERMARK_DELAY_SECONDS}' SECOND
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
