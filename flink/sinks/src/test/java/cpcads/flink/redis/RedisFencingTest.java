package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/** Two writers of one table, as after a failover whose old TaskManager is still alive. */
class RedisFencingTest {
  private final List<RedisWriter> writers = new ArrayList<>();
  private RedisServer server;
  private Jedis redis;
  private SinkOptions options;

  @BeforeEach
  void start() {
    server = RedisServer.start();
    redis = server.client();
    options = Tables.ranking(server.uri());
  }

  @AfterEach
  void stop() {
    writers.forEach(RedisWriter::close);
    redis.close();
    server.close();
  }

  private RedisWriter writer(Collection<SinkState> restored) {
    RedisWriter writer = Tables.writer(options, restored);
    writers.add(writer);
    return writer;
  }

  /** Who goes on from its checkpoint. */
  private RedisWriter heirOf(RedisWriter old) throws IOException {
    return writer(Tables.checkpoint(old, options));
  }

  private static void write(RedisWriter writer, String value) throws IOException, InterruptedException {
    Tables.put(writer, "a", value);
    writer.flush(true);
  }

  private interface Act {
    void run() throws IOException, InterruptedException;
  }

  private static String endOf(RedisWriter writer) {
    return refusalOf(() -> writer.flush(false));
  }

  /** Repeats it until it fails, and gives the reason: a writer hears of a newer one when it writes, or a moment later. */
  private static String refusalOf(Act act) {
    String[] message = new String[1];
    RedisServer.await("the older writer ends", () -> {
      try {
        act.run();
        return false;
      } catch (IOException e) {
        message[0] = e.getMessage();
        return true;
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    });
    return message[0];
  }

  @Test
  void aBatchOfAConnectionThatWasGivenUpCountsNoMore() throws IOException, InterruptedException {
    RedisWriter writer = writer(List.of());
    write(writer, "[1]");
    String[] held = redis.get(Tables.WRITER).split(":");
    RedisConnection.Writer before = new RedisConnection.Writer(Long.parseLong(held[0]), Long.parseLong(held[1]));
    write(writer, "[2]");
    CallWatch watch = new CallWatch("late", 5_000);
    RedisSocket socket = new RedisSocket(options.address(), options.address().node());
    RedisConnection late = new RedisConnection(options.address(), options.address().node(), socket, watch);
    RedisServer.await("epoch", () -> redis.exists(Tables.EPOCH));
    Map<String, Change> batch = Map.of("{t}:a", new Change("[late]", 0));
    long answer = late.apply(options.controlKeys(), batch, before, redis.get(Tables.EPOCH), "", options.ttl());
    assertEquals(RedisConnection.NOT_AS_KNOWN, answer);
    assertEquals("[2]", redis.get("{t}:a"));
    late.close();
    watch.close();
  }

  @Test
  void theOlderWriterChangesNothingMoreAndItsTaskFails() throws IOException, InterruptedException {
    RedisWriter old = writer(List.of());
    write(old, "[old]");
    RedisWriter heir = heirOf(old);
    write(heir, "[new]");
    // It may have noticed by itself before it writes.
    String why = refusalOf(() -> {
      Tables.put(old, "a", "[older]");
      old.flush(false);
    });
    assertTrue(why.contains("a newer writer holds redis keys {t}:*"), why);
    assertEquals("[new]", redis.get("{t}:a"));
    heir.flush(false);
  }

  @Test
  void anIdleOlderWriterEndsToo() throws IOException, InterruptedException {
    RedisWriter old = writer(List.of());
    old.flush(true);
    RedisServer.await("old holds the table", () -> redis.exists(Tables.WRITER));
    RedisWriter heir = heirOf(old);
    endOf(old);
    assertThrows(IOException.class, () -> Tables.put(old, "a", "[1]"));
    heir.flush(false);
  }

  @Test
  void theOlderWriterDoesNotTakeBackARedisThatCameBackEmpty() throws IOException, InterruptedException {
    RedisWriter old = writer(List.of());
    write(old, "[old]");
    server.hang();
    RedisWriter heir = heirOf(old);
    Tables.put(heir, "a", "[new]");
    Tables.put(old, "a", "[older]");
    server.goOn();
    redis.flushAll();
    endOf(old);
    heir.flush(true);
    RedisServer.await("complete", () -> redis.exists(Tables.EPOCH) && "[new]".equals(redis.get("{t}:a")));
  }

  @Test
  void anHeirIsNewerEvenWhenItsClockIsBehind() throws IOException, InterruptedException {
    long ahead = System.currentTimeMillis() + 3_600_000;
    RedisWriter old = writer(List.of(new SinkState(ahead, false, Map.of())));
    old.flush(true);
    RedisServer.await("old holds the table", () -> redis.exists(Tables.WRITER));
    write(heirOf(old), "[new]");
    assertTrue(Long.parseLong(redis.get(Tables.WRITER).split(":")[0]) > ahead + 1);
    endOf(old);
  }
}
