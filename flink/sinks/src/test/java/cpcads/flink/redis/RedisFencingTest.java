package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/** Two writers of one table, as after a failover whose old TaskManager is still alive. */
class RedisFencingTest {
  private RedisServer server;
  private Jedis redis;

  @BeforeEach
  void start() {
    server = RedisServer.start();
    redis = server.client();
  }

  @AfterEach
  void stop() {
    redis.close();
    server.close();
  }

  @Test
  void aBatchOfAConnectionThatWasGivenUpCountsNoMore() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    RedisWriter writer = Tables.writer(options, List.of());
    Tables.put(writer, "a", "[1]");
    writer.flush(true);
    String[] held = redis.get(Tables.WRITER).split(":");
    RedisConnection.Writer before = new RedisConnection.Writer(Long.parseLong(held[0]), Long.parseLong(held[1]));
    Tables.put(writer, "a", "[2]");
    writer.flush(true);
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
    writer.close();
  }

  private static String endOf(RedisWriter writer) {
    String[] message = new String[1];
    RedisServer.await("the older writer ends", () -> {
      try {
        writer.flush(false);
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
  void theOlderWriterChangesNothingMoreAndItsTaskFails() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    RedisWriter old = Tables.writer(options, List.of());
    Tables.put(old, "a", "[old]");
    old.flush(true);
    RedisWriter heir = Tables.writer(options, Tables.checkpoint(old, options));
    Tables.put(heir, "a", "[new]");
    heir.flush(true);
    Tables.put(old, "a", "[older]");
    String why = endOf(old);
    assertTrue(why.contains("a newer writer holds redis keys {t}:*"), why);
    assertEquals("[new]", redis.get("{t}:a"));
    heir.flush(false);
    old.close();
    heir.close();
  }

  @Test
  void anIdleOlderWriterEndsToo() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    RedisWriter old = Tables.writer(options, List.of());
    old.flush(true);
    RedisServer.await("old holds the table", () -> redis.exists(Tables.WRITER));
    RedisWriter heir = Tables.writer(options, Tables.checkpoint(old, options));
    endOf(old);
    assertThrows(IOException.class, () -> Tables.put(old, "a", "[1]"));
    heir.flush(false);
    old.close();
    heir.close();
  }

  @Test
  void theOlderWriterDoesNotTakeBackARedisThatCameBackEmpty() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    RedisWriter old = Tables.writer(options, List.of());
    Tables.put(old, "a", "[old]");
    old.flush(true);
    server.hang();
    RedisWriter heir = Tables.writer(options, Tables.checkpoint(old, options));
    Tables.put(heir, "a", "[new]");
    Tables.put(old, "a", "[older]");
    server.goOn();
    redis.flushAll();
    endOf(old);
    heir.flush(true);
    RedisServer.await("complete", () -> redis.exists(Tables.EPOCH) && "[new]".equals(redis.get("{t}:a")));
    old.close();
    heir.close();
  }

  @Test
  void anHeirIsNewerEvenWhenItsClockIsBehind() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    long ahead = System.currentTimeMillis() + 3_600_000;
    RedisWriter old = Tables.writer(options, List.of(new SinkState(ahead, false, Map.of())));
    old.flush(true);
    RedisServer.await("old holds the table", () -> redis.exists(Tables.WRITER));
    RedisWriter heir = Tables.writer(options, Tables.checkpoint(old, options));
    Tables.put(heir, "a", "[new]");
    heir.flush(true);
    assertTrue(Long.parseLong(redis.get(Tables.WRITER).split(":")[0]) > ahead + 1);
    endOf(old);
    old.close();
    heir.close();
  }
}
