-- PostgreSQL: the same table, of an order line that was cancelled. Whichever of the two sinks is first, the row is
-- whole.
CREATE TABLE conversion_replay_reversal (
  replay_id            INT,
  ${shared conversion_columns}
  reversed_at_ms       BIGINT,
  rules_version        INT,
  PRIMARY KEY (replay_id, order_line_id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'conversion_replay_row',
  'upsert.condition' = 'stored.reversed_at_ms IS NULL',
  'flush.interval' = '50 ms'
)
