-- {campaign-acknowledged}:<campaignId> = {"version", "status"}: the newest campaign version that the ranking has
-- taken in. Written later than the ranking of the same change (a mini-batch is 20 ms, the ranking is flushed every
-- 5 ms), so that who sees the acknowledgement finds the ranking up to date. No TTL.
CREATE TABLE redis_campaign_acknowledged (
  campaignId      STRING,
  acknowledgement STRING,
  PRIMARY KEY (campaignId) NOT ENFORCED
) WITH (
  'connector' = 'redis',
  'uri' = '${REDIS_URL}',
  'username' = '${REDIS_USER}',
  'password' = '${REDIS_PASSWORD}',
  'tls.ca-file' = '${REDIS_CA_FILE}',
  'key.prefix' = '${CAMPAIGN_ACKNOWLEDGEMENT_PREFIX}',
  'value.column' = 'acknowledgement',
  'flush.interval' = '200 ms',
  'mirror' = 'true'
)
