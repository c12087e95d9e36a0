-- PostgreSQL: what a replay finds, beside conversion_result. Rows of a replay that is no longer running are dropped (a
-- trigger sees to it).
CREATE TABLE conversion_replay_row (
  replay_id            INT,
  order_line_id        STRING,
  click_id             STRING,
  ad_id                STRING,
  campaign_id          STRING,
  advertiser_id        STRING,
  placement            STRING,
  product_id           STRING,
  `match`              STRING,
  quantity             BIGINT,
  conversion_value_krw BIGINT,
  clicked_at_ms        BIGINT,
  converted_at_ms      BIGINT,
  rules_version        INT,
  PRIMARY KEY (replay_id, order_line_id) NOT ENFORCED
) WITH (
  'connector' = 'postgres',
  'url' = '${DATABASE_URL}',
  'username' = '${DATABASE_USER}',
  'password' = '${DATABASE_PASSWORD}',
  'table-name' = 'conversion_replay_row',
  'upsert.condition' = 'false',
  'flush.interval' = '50 ms'
)
