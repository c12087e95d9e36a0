-- PostgreSQL: the same table, of a match that was reversed, once. Whichever of the two sinks is first, the row is whole.
CREATE TABLE conversion_reversal (
  ${shared conversion_columns}
  reversed_at_ms       BIGINT,
  rules_version        INT,
  PRIMARY KEY (order_line_id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'conversion_result',
  'upsert.condition' = 'stored.reversed_at_ms IS NULL',
  'flush.interval' = '200 ms'
)
