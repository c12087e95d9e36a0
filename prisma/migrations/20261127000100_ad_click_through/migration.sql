-- What the statement rtb-ranking counts per ad and placement in 24 hours: clicks of people and position-weighted
-- impressions. Written by Flink alone; read when a ranking has to be computed here, because it cannot be had from Redis.
-- A row is as of the newest window in which its ad was shown or clicked there, and is kept after that, as the statement
-- keeps it: it says of an ad that nobody sees any more what the ranking says of it. Rows are as many as ads were ever
-- shown. No foreign key and no list of placements: what Flink counted is never refused.
CREATE TABLE ad_click_through (
  ad_id text NOT NULL,
  placement text NOT NULL,
  campaign_id text NOT NULL,
  clicks bigint NOT NULL,
  weight_milli bigint NOT NULL,
  CONSTRAINT ad_click_through_pkey PRIMARY KEY (ad_id, placement),
  CONSTRAINT ad_click_through_counts CHECK (clicks >= 0 AND weight_milli >= 0)
);

GRANT SELECT, INSERT, UPDATE ON ad_click_through TO ads_flink;
REVOKE INSERT, UPDATE, DELETE ON ad_click_through FROM ads_app;
