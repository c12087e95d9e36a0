-- PostgreSQL: the match of an order line. The first match stands, so a repetition changes nothing (a trigger sees to it
-- whoever writes).
CREATE TABLE conversion_result (
  ${shared conversion_columns}
  rules_version        INT,
  PRIMARY KEY (order_line_id) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'conversion_result',
  'upsert.condition' = 'false',
  'flush.interval' = '200 ms'
)
