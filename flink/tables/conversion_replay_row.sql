-- PostgreSQL: what a replay finds, beside conversion_result. Rows of a replay that is no longer running are dropped (a
-- trigger sees to it).
CREATE TABLE conversion_replay_row (
  replay_id            INT,
  ${shared conversion_columns}
  rules_version        INT,
  PRIMARY KEY (replay_id, order_line_id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'conversion_replay_row',
  'upsert.condition' = 'false',
  'flush.interval' = '50 ms'
)
