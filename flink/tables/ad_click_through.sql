-- PostgreSQL: the counts that the ranking predicts click-through rates from, for rankings that are computed there. The
-- room is for every ad ever shown, which is in the statement's state as well: a PostgreSQL that is away must not make
-- the ranking wait.
CREATE TABLE ad_click_through (
  ad_id        STRING,
  placement    STRING,
  campaign_id  STRING,
  clicks       BIGINT,
  weight_milli BIGINT,
  PRIMARY KEY (ad_id, placement) NOT ENFORCED
) WITH (
  ${shared postgres}
  'table-name' = 'ad_click_through',
  'buffer.max-rows' = '2000000',
  'flush.interval' = '500 ms'
)
