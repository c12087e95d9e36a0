package cpcads.flink.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.resps.ScanResult;

/** The commands of the sink. Every call ends within the timeouts, or throws; after a throw, close and connect anew. */
final class RedisConnection implements AutoCloseable {
  /** No epoch in Redis. */
  static final String NO_EPOCH = "";

  private static final int CONNECT_TIMEOUT_MS = 1_000;
  private static final int ANSWER_TIMEOUT_MS = 2_000;
  private static final int SCAN_COUNT = 1_000;
  private static final String APPLY_CHANGES = resource("apply-changes.lua");

  private final SinkOptions options;
  private final Jedis redis;

  RedisConnection(SinkOptions options) {
    this.options = options;
    this.redis = new Jedis(URI.create(options.uri()), DefaultJedisClientConfig.builder()
        .connectionTimeoutMillis(CONNECT_TIMEOUT_MS)
        .socketTimeoutMillis(ANSWER_TIMEOUT_MS)
        .build());
  }

  String epoch() {
    if (options.epochKey().isEmpty()) return NO_EPOCH;
    String epoch = redis.get(options.epochKey());
    return epoch == null ? NO_EPOCH : epoch;
  }

  /** Sets the epoch unless there is one, and answers the one that holds. */
  String claimEpoch(String candidate) {
    redis.set(options.epochKey(), candidate, SetParams.setParams().nx());
    return epoch();
  }

  /** Writes all or nothing; false when Redis does not have the expected epoch. */
  boolean apply(Map<String, String> changes, String expectedEpoch) {
    List<String> keys = new ArrayList<>(List.of(options.epochKey(), options.versionKey(), options.changesKey()));
    List<String> arguments = new ArrayList<>(List.of(expectedEpoch, Long.toString(options.ttl().toMillis()),
        options.publishChannel(), String.join("\n", changes.keySet())));
    changes.forEach((key, value) -> {
      keys.add(key);
      arguments.add(value == null ? "D" : "S");
      arguments.add(value == null ? "" : value);
    });
    return Long.valueOf(1).equals(redis.eval(APPLY_CHANGES, keys, arguments));
  }

  /** One step over all keys of this table; start with and until {@link ScanParams#SCAN_POINTER_START}. */
  ScanResult<String> scan(String cursor) {
    String pattern = options.keyPrefix().replaceAll("([\\\\*?\\[\\]])", "\\\\$1") + "*";
    return redis.scan(cursor, new ScanParams().match(pattern).count(SCAN_COUNT));
  }

  @Override
  public void close() {
    redis.close();
  }

  private static String resource(String name) {
    try (InputStream in = RedisConnection.class.getResourceAsStream(name)) {
      if (in == null) throw new IllegalStateException("missing in the jar: " + name);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
