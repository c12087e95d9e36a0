-- performance:<adId>:<placement> = JSON of the newest window of an ad on a placement. An ad that nobody sees disappears.
CREATE TABLE redis_performance (
  adId      STRING,
  placement STRING,
  metrics   STRING,
  PRIMARY KEY (adId, placement) NOT ENFORCED
) WITH (
  'connector' = 'redis',
  'uri' = '${REDIS_URL}',
  'username' = '${REDIS_USER}',
  'password' = '${REDIS_PASSWORD}',
  'tls.ca-file' = '${REDIS_CA_FILE}',
  'key.prefix' = '${PERFORMANCE_PREFIX}',
  'value.column' = 'metrics',
  'flush.interval' = '50 ms',
  'ttl' = '15 min'
)
