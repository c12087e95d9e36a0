-- The topic ad-events, as the conversion match writes it: AD_CONVERTED and AD_CONVERSION_REVERSED. Key: the order line,
-- so that a repetition lands in the same partition behind the first, and a reversal behind its conversion.
CREATE TABLE ad_conversions (
  eventId            STRING,
  schemaVersion      INT,
  `type`             STRING,
  recordedAt         BIGINT,
  orderLineId        STRING,
  orderId            STRING,
  clickId            STRING,
  adId               STRING,
  campaignId         STRING,
  advertiserId       STRING,
  placement          STRING,
  productId          STRING,
  `match`            STRING,
  quantity           BIGINT,
  conversionValueKrw BIGINT,
  clickedAt          BIGINT,
  convertedAt        BIGINT,
  reversedAt         BIGINT,
  rulesVersion       INT,
  headers            MAP<STRING, BYTES> METADATA
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}ad-events',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'sink.delivery-guarantee' = 'at-least-once',
  'key.format' = 'raw',
  'key.fields' = 'orderLineId',
  'value.format' = 'json',
  'value.json.encode.ignore-null-fields' = 'true'
)
