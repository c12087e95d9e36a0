-- PostgreSQL: the first cancellation of every order line, matched or not. A trigger compares it with the conversions
-- that PostgreSQL keeps for ever, since Flink forgets them.
CREATE TABLE order_line_cancellation (
  order_line_id   STRING,
  cancelled_at_ms BIGINT,
  horizon_ms      BIGINT,
  topic           STRING,
  log_partition   INT,
  log_offset      BIGINT,
  record_key      STRING,
  record          STRING,
  reason_beyond   STRING,
  PRIMARY KEY (order_line_id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'order_line_cancellation',
  'upsert.condition' = 'false',
  'flush.interval' = '200 ms'
)
