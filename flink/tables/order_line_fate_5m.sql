-- PostgreSQL: how many order lines of a window were matched, and how many not. One row a window. A run that saw fewer of
-- them (the log was cut off by then) never replaces one that saw more (a trigger sees to it whoever writes).
CREATE TABLE order_line_fate_5m (
  window_start_ms      BIGINT,
  direct               BIGINT,
  indirect             BIGINT,
  unmatched            BIGINT,
  order_lines          BIGINT,
  conversion_value_krw BIGINT,
  rules_version        INT,
  PRIMARY KEY (window_start_ms) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'order_line_fate_5m',
  'upsert.condition' = 'stored.order_lines <= excluded.order_lines',
  'flush.interval' = '200 ms'
)
