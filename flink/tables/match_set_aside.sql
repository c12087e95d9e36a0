-- PostgreSQL: records that the match took out of its way, with the reason. The first of an id stands. Those that have a
-- place in the log become dead letters there (by a trigger: Flink may not write these itself).
CREATE TABLE match_set_aside (
  id             STRING,
  topic          STRING,
  log_partition  INT,
  log_offset     BIGINT,
  record_key     STRING,
  record_type    STRING,
  record         STRING,
  reason         STRING,
  recorded_at_ms BIGINT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'match_set_aside',
  'upsert.condition' = 'false',
  'flush.interval' = '200 ms'
)
