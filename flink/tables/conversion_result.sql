-- PostgreSQL: the match of an order line. The first match stands, so a repetition changes nothing (a trigger sees to it
-- whoever writes).
CREATE TABLE conversion_result (
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
  PRIMARY KEY (order_line_id) NOT ENFORCED
) WITH (
  'connector' = 'postgres',
  'url' = '${DATABASE_URL}',
  'username' = '${DATABASE_USER}',
  'password' = '${DATABASE_PASSWORD}',
  'table-name' = 'conversion_result',
  'upsert.condition' = 'false',
  'flush.interval' = '200 ms'
)
