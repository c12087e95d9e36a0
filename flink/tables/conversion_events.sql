-- The topic conversion-events: order lines, placed and cancelled. `appendedAt` is the record's own time in Kafka, real
-- time: with it the age of an event is known, however far the business clock is from real time. Its place in the log
-- names a record that is set aside.
CREATE TABLE conversion_events (
  eventId       STRING,
  schemaVersion INT,
  `type`        STRING,
  recordedAt    BIGINT,
  orderLineId   STRING,
  orderId       STRING,
  deviceHash    STRING,
  productId     STRING,
  sellerId      STRING,
  quantity      BIGINT,
  amountKrw     BIGINT,
  orderedAt     BIGINT,
  appendedAt    TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  logPartition  INT METADATA FROM 'partition' VIRTUAL,
  logOffset     BIGINT METADATA FROM 'offset' VIRTUAL,
  eventTime     AS TO_TIMESTAMP_LTZ(recordedAt, 3),
  processedAt   AS PROCTIME(),
  WATERMARK FOR eventTime AS eventTime - INTERVAL '${MATCH_WATERMARK_DELAY}' MINUTE TO SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}conversion-events',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'properties.group.id' = '${TOPIC_PREFIX}flink-${STATEMENT}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.topic-partition-discovery.interval' = '1 min',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
)
