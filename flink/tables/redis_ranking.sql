-- {ranking}:<placement>:<target> = one JSON array of ranking entries, best first. No TTL: a ranking disappears when
-- its last ad does. Readers follow the list of changes; see contracts/redis-keys.ts.
CREATE TABLE redis_ranking (
  placement STRING,
  target    STRING,
  entries   STRING,
  PRIMARY KEY (placement, target) NOT ENFORCED
) WITH (
  'connector' = 'redis',
  'uri' = '${REDIS_URL}',
  'username' = '${REDIS_USER}',
  'password' = '${REDIS_PASSWORD}',
  'tls.ca-file' = '${REDIS_CA_FILE}',
  'key.prefix' = '${RANKING_PREFIX}',
  'value.column' = 'entries',
  'flush.interval' = '5 ms',
  'publish.channel' = '${RANKING_CHANNEL}',
  'changes.key' = '${RANKING_CHANGES_KEY}',
  'version.key' = '${RANKING_VERSION_KEY}',
  'epoch.key' = '${RANKING_EPOCH_KEY}',
  'mirror' = 'true'
)
