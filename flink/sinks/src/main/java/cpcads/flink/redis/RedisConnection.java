package cpcads.flink.redis;

import cpcads.flink.redis.SinkOptions.ControlKeys;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisMovedDataException;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.resps.ScanResult;

/** The commands of the sink, to one node. Every call ends in time, or throws; after a throw, close and connect anew. */
final class RedisConnection implements AutoCloseable {
  /** Answer of the scripts: another epoch than the expected one, or the writer's last batches are gone. */
  static final long NOT_AS_KNOWN = 0;
  /** Answer of the scripts: a newer writer holds this table. */
  static final long NEWER_WRITER = -1;

  private static final int SCAN_COUNT = 1_000;
  private static final String APPLY_CHANGES = resource("apply-changes.lua");
  private static final String CLAIM_EPOCH = resource("claim-epoch.lua");

  /** Who writes, and the number of the last batch that Redis confirmed to it. */
  record Writer(long token, long confirmed) {}

  /** What the control keys hold; missing ones are empty. */
  record Control(String epoch, String writer) {}

  private final RedisSocket socket;
  private final CallWatch watch;
  private final Jedis redis;

  RedisConnection(RedisAddress address, HostAndPort node, RedisSocket socket, CallWatch watch) {
    this.socket = socket;
    this.watch = watch;
    DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder()
        .connectionTimeoutMillis(RedisSocket.CONNECT_TIMEOUT_MS)
        .socketTimeoutMillis(RedisSocket.ANSWER_TIMEOUT_MS)
        .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
        .database(address.database());
    if (!address.username().isEmpty()) config.user(address.username());
    if (!address.password().isEmpty()) config.password(address.password());
    this.redis = watch.within(socket, () -> new Jedis(socket, config.build()));
  }

  Control control(ControlKeys keys) {
    List<String> found = keys.epoch().isEmpty()
        ? call(redis -> redis.mget(keys.writer(), keys.writer()))
        : call(redis -> redis.mget(keys.epoch(), keys.writer()));
    String epoch = keys.epoch().isEmpty() || found.get(0) == null ? "" : found.get(0);
    return new Control(epoch, found.get(1) == null ? "" : found.get(1));
  }

  /**
   * Writes all or nothing. No changes: only takes the table for this writer.
   *
   * @return the number of this batch, or {@link #NOT_AS_KNOWN}, or {@link #NEWER_WRITER}.
   */
  long apply(ControlKeys control, Map<String, Change> changes, Writer writer, String expectedEpoch, String channel, Duration ttl) {
    List<String> keys = new ArrayList<>(List.of(control.writer()));
    if (!control.epoch().isEmpty()) keys.add(control.epoch());
    if (!control.changes().isEmpty()) keys.addAll(List.of(control.version(), control.changes()));
    List<String> arguments = new ArrayList<>(List.of(control.epoch().isEmpty() ? "" : "epoch",
        control.changes().isEmpty() ? "" : "changes", expectedEpoch, Long.toString(writer.token()),
        Long.toString(writer.confirmed()), channel));
    long now = System.currentTimeMillis();
    changes.forEach((key, change) -> {
      keys.add(key);
      arguments.add(change.value() == null ? "D" : "S");
      arguments.add(change.value() == null ? "" : change.value());
      arguments.add(Long.toString(leftOf(ttl, change, now)));
    });
    return (Long) call(redis -> redis.eval(APPLY_CHANGES, keys, arguments));
  }

  /**
   * Sets the epoch unless there is one.
   *
   * @return false when a newer writer holds this table.
   */
  boolean claimEpoch(ControlKeys control, Writer writer, String candidate) {
    Object answer = call(redis -> redis.eval(CLAIM_EPOCH, List.of(control.writer(), control.epoch()),
        List.of(Long.toString(writer.token()), candidate)));
    return !answer.equals(NEWER_WRITER);
  }

  void delete(String key) {
    call(redis -> redis.del(key));
  }

  /**
   * Writes each key by itself, in one round trip.
   *
   * @return the keys that live on another node of the cluster, and where.
   */
  Map<String, JedisMovedDataException> setAll(Map<String, Change> changes, Duration ttl) {
    return call(redis -> {
      long now = System.currentTimeMillis();
      Map<String, Response<?>> answers = new LinkedHashMap<>();
      Pipeline pipeline = redis.pipelined();
      changes.forEach((key, change) -> answers.put(key, set(pipeline, key, change, leftOf(ttl, change, now))));
      pipeline.sync();
      return movedAmong(answers);
    });
  }

  void publish(String channel, String message) {
    call(redis -> redis.publish(channel, message));
  }

  /** One step over all keys that begin so; start with and until {@link ScanParams#SCAN_POINTER_START}. */
  ScanResult<String> scan(String prefix, String cursor) {
    String pattern = prefix.replaceAll("([\\\\*?\\[\\]])", "\\\\$1") + "*";
    return call(redis -> redis.scan(cursor, new ScanParams().match(pattern).count(SCAN_COUNT)));
  }

  @Override
  public void close() {
    // First the socket: what still stands in a buffer would wait for a server that does not read.
    socket.breakOff();
    try {
      redis.close();
    } catch (RuntimeException e) {
      // A broken connection has nothing to say.
    }
  }

  private <T> T call(Function<Jedis, T> command) {
    return watch.within(socket, () -> command.apply(redis));
  }

  private static Response<?> set(Pipeline pipeline, String key, Change change, long leftMs) {
    if (change.value() == null) return pipeline.del(key);
    return leftMs == 0 ? pipeline.set(key, change.value()) : pipeline.set(key, change.value(), SetParams.setParams().px(leftMs));
  }

  /** The first refusal that is not about the place of a key throws: all keys of the batch are written again then. */
  private static Map<String, JedisMovedDataException> movedAmong(Map<String, Response<?>> answers) {
    Map<String, JedisMovedDataException> moved = new LinkedHashMap<>();
    answers.forEach((key, answer) -> {
      try {
        answer.get();
      } catch (JedisMovedDataException e) {
        moved.put(key, e);
      }
    });
    return moved;
  }

  /** What is left of the TTL, in ms; zero: for ever. */
  private static long leftOf(Duration ttl, Change change, long now) {
    if (ttl.isZero()) return 0;
    return Math.min(ttl.toMillis(), Math.max(1, change.atMs() + ttl.toMillis() - now));
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
