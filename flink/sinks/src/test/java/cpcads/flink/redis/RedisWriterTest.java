package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;

/** What a writer leaves in a Redis that works. */
class RedisWriterTest {
  private static final Duration LONG = Duration.ofHours(1);
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
  void valuesChangeListAndVersionBecomeVisibleTogether() throws IOException, InterruptedException {
    RedisWriter writer = Tables.writer(Tables.ranking(server.uri()), List.of());
    Tables.put(writer, "a\nb", "[1]");
    Tables.put(writer, "운동화", "[2]");
    writer.flush(true);
    assertEquals("[1]", redis.get("{t}:a\nb"));
    assertEquals("[2]", redis.get("{t}:운동화"));
    assertEquals(2, redis.zcard(Tables.CHANGES));
    assertEquals(redis.zscore(Tables.CHANGES, "{t}:운동화").longValue(), Long.parseLong(redis.get(Tables.VERSION)));
    RedisServer.await("epoch", () -> redis.exists(Tables.EPOCH));
    Tables.delete(writer, "운동화");
    writer.flush(true);
    assertNull(redis.get("{t}:운동화"));
    assertEquals(redis.zscore(Tables.CHANGES, "{t}:운동화").longValue(), Long.parseLong(redis.get(Tables.VERSION)));
    writer.close();
  }

  @Test
  void aNullValueLeavesTheKeyAsItIs() throws IOException, InterruptedException {
    RedisWriter writer = Tables.writer(Tables.ranking(server.uri()), List.of());
    Tables.put(writer, "a", "[1]");
    Tables.put(writer, "a", null);
    Tables.put(writer, "never", null);
    writer.flush(true);
    assertEquals("[1]", redis.get("{t}:a"));
    assertTrue(!redis.exists("{t}:never"));
    Tables.put(writer, "a", null);
    Tables.delete(writer, "a");
    writer.flush(true);
    assertNull(redis.get("{t}:a"));
    writer.close();
  }

  @Test
  void theNoticeOfAChangeIsItsVersion() throws IOException, InterruptedException {
    List<String> notices = Collections.synchronizedList(new ArrayList<>());
    try (Jedis listener = server.client()) {
      JedisPubSub heard = new JedisPubSub() {
        @Override
        public void onMessage(String channel, String message) {
          notices.add(message);
        }
      };
      Thread thread = new Thread(() -> listener.subscribe(heard, "changed"));
      thread.start();
      RedisServer.await("subscribed", () -> redis.pubsubNumSub("changed").get("changed") == 1);
      RedisWriter writer = Tables.writer(Tables.ranking(server.uri()), List.of());
      Tables.put(writer, "a\nb", "[1]");
      writer.flush(true);
      RedisServer.await("a notice", () -> notices.equals(List.of("1")));
      writer.close();
      heard.unsubscribe();
      thread.join();
    }
  }

  @Test
  void aValueOfManyMegabytesPasses() throws IOException, InterruptedException {
    RedisWriter writer = Tables.writer(Tables.ranking(server.uri()), List.of());
    Tables.put(writer, "big", "x".repeat(12_000_000));
    Tables.put(writer, "small", "1");
    writer.flush(true);
    assertEquals(12_000_000, redis.strlen("{t}:big"));
    assertEquals("1", redis.get("{t}:small"));
    writer.close();
  }

  @Test
  void nothingToWriteIsNoVersion() throws IOException, InterruptedException {
    RedisWriter writer = Tables.writer(Tables.ranking(server.uri()), List.of());
    RedisServer.await("epoch", () -> redis.exists(Tables.EPOCH));
    writer.flush(true);
    assertNull(redis.get(Tables.VERSION));
    assertTrue(redis.get(Tables.WRITER).endsWith(":1"), "the table is taken, though");
    writer.close();
  }

  @Test
  void aRestoredWriterWritesWhatTheCheckpointHoldsWhateverItsPieces() throws IOException, InterruptedException {
    SinkOptions options = Tables.ranking(server.uri());
    RedisWriter first = Tables.writer(options, List.of());
    for (int i = 0; i < 1_234; i++) Tables.put(first, "k" + i, "v" + i);
    Tables.delete(first, "k7");
    List<SinkState> state = new ArrayList<>(Tables.checkpoint(first, options));
    first.close();
    assertEquals(3, state.size());
    // Flink gives the pieces of all former writers to the one that there is, in any order.
    Collections.reverse(state);
    redis.flushAll();
    RedisWriter heir = Tables.writer(options, state);
    heir.flush(true);
    assertEquals(1_233, redis.keys("{t}:*").size());
    assertEquals("v1233", redis.get("{t}:k1233"));
    heir.close();
  }

  @Test
  void aTtlCountsFromTheMomentThatFlinkGaveTheValue() throws IOException, InterruptedException {
    SinkOptions options = Tables.plain(server.uri(), LONG, 1_000, 1_000_000);
    long now = System.currentTimeMillis();
    SinkState kept = new SinkState(0, false, java.util.Map.of(
        "p:half", new Change("1", now - LONG.toMillis() / 2), "p:over", new Change("1", now - LONG.toMillis())));
    RedisWriter writer = Tables.writer(options, List.of(kept));
    Tables.put(writer, "fresh", "1");
    writer.flush(true);
    assertEquals(LONG.toMillis() / 2.0, redis.pttl("p:half"), 60_000);
    assertEquals(LONG.toMillis(), redis.pttl("p:fresh"), 60_000);
    assertTrue(!redis.exists("p:over"));
    writer.close();
  }

  @Test
  void aFreshMirrorSweepsWhatIsLeftOverButNotBeforeItKnowsAnything() throws IOException, InterruptedException {
    redis.set("{t}:left over", "[0]");
    redis.set("{t}-other", "not of this table");
    SinkOptions options = Tables.ranking(server.uri(), Duration.ofMillis(300));
    RedisWriter writer = Tables.writer(options, List.of());
    RedisServer.await("epoch", () -> redis.exists(Tables.EPOCH));
    long probes = Long.parseLong(redis.get(Tables.WRITER).split(":")[1]);
    RedisServer.await("it has looked again", () -> redis.info("commandstats").contains("mget:calls=4"));
    assertEquals("[0]", redis.get("{t}:left over"), "a log that cannot be read yet must not empty Redis");
    assertEquals(1, probes);
    Tables.put(writer, "mine", "[1]");
    assertTrue(Tables.checkpoint(writer, options).get(0).sweepDue());
    RedisServer.await("swept", () -> !redis.exists("{t}:left over"));
    assertEquals("[1]", redis.get("{t}:mine"));
    assertTrue(redis.exists("{t}-other"));
    assertTrue(!Tables.checkpoint(writer, options).get(0).sweepDue());
    writer.close();
  }

  @Test
  void aJobThatWasRestoredBeforeItsSweepSweepsStill() throws IOException, InterruptedException {
    redis.set("{t}:left over", "[0]");
    RedisWriter first = Tables.writer(Tables.ranking(server.uri(), LONG), List.of());
    Tables.put(first, "mine", "[1]");
    List<SinkState> state = Tables.checkpoint(first, Tables.ranking(server.uri(), LONG));
    first.close();
    RedisWriter heir = Tables.writer(Tables.ranking(server.uri(), Duration.ofMillis(100)), state);
    RedisServer.await("swept", () -> !redis.exists("{t}:left over"));
    assertEquals("[1]", redis.get("{t}:mine"));
    heir.close();
  }
}
