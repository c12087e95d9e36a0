-- PostgreSQL: the newest result of each window. An earlier one never replaces a later one (a trigger sees to it whoever
-- writes, and puts the campaign's advertiser in).
CREATE TABLE performance_5m (
  ad_id                STRING,
  placement            STRING,
  window_start_ms      BIGINT,
  window_end_ms        BIGINT,
  is_final             BOOLEAN,
  campaign_id          STRING,
  served_impressions   BIGINT,
  viewed_impressions   BIGINT,
  clicks               BIGINT,
  conversions          BIGINT,
  conversion_value_krw BIGINT,
  PRIMARY KEY (ad_id, placement, window_start_ms) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'performance_5m',
  'upsert.condition' = 'stored.window_end_ms <= excluded.window_end_ms',
  'flush.interval' = '500 ms'
)
