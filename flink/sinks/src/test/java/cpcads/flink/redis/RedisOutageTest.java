package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.exceptions.JedisBusyException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.ClientKillParams;
import redis.clients.jedis.params.ClientKillParams.SkipMe;

/** Redis hangs, refuses, forgets: nothing is lost, checkpoints go on, and a writer ends when it is told to. */
class RedisOutageTest {
  private static final int CLOSES_WITHIN_MS = 2_500;
  private RedisServer server;
  private Jedis redis;
  private RedisWriter writer;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    server = RedisServer.start();
    redis = server.client();
    writer = Tables.writer(Tables.ranking(server.uri()), List.of());
    Tables.put(writer, "a", "[1]");
    writer.flush(true);
    RedisServer.await("epoch", () -> redis.exists(Tables.EPOCH));
  }

  @AfterEach
  void stop() {
    writer.close();
    redis.close();
    server.close();
  }

  private void comesThrough(String value) throws IOException, InterruptedException {
    Tables.put(writer, "a", value);
    assertEquals(value, Tables.checkpoint(writer, Tables.ranking(server.uri())).get(0).changes().get("{t}:a").value());
  }

  private long connectionsEver() {
    return Long.parseLong(redis.info("stats").replaceAll("(?s).*total_connections_received:(\\d+).*", "$1"));
  }

  private boolean holds(String value) {
    return value.equals(redis.get("{t}:a"));
  }

  @Test
  void aHungServerLosesNothingAndItsConnectionIsReplaced() throws IOException, InterruptedException {
    Tables.put(writer, "a", "[2]");
    server.hang();
    comesThrough("[3]");
    RedisServer.await("the connection is given up", () -> writer.updater().failures() > 0);
    server.goOn();
    RedisServer.await("[3]", () -> holds("[3]"));
    // The test's, the writer's first one, and another.
    RedisServer.await("a connection in its place", () -> connectionsEver() >= 3);
  }

  @Test
  void aWriterOfAHungServerEndsSoonThoughItsBatchStandsInTheBuffers() throws IOException, InterruptedException {
    server.hang();
    // More than the buffers of both ends hold: a write to a server that does not read never returns by itself.
    for (int i = 0; i < 10; i++) Tables.put(writer, "big" + i, "x".repeat(4_000_000));
    RedisServer.await("it hangs in a write", () -> Arrays.stream(writer.updater().getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals("implWrite")));
    long began = System.nanoTime();
    writer.close();
    assertEquals(0, (System.nanoTime() - began) / 1_000_000, CLOSES_WITHIN_MS);
    assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(this::isOurUpdater), "its thread is gone");
    server.goOn();
  }

  private boolean isOurUpdater(Thread thread) {
    return thread instanceof RedisUpdater updater && updater == writer.updater();
  }

  @Test
  void aWriteThatHangsIsBrokenOffAndDoneAgain() throws IOException, InterruptedException {
    server.hang();
    Tables.put(writer, "big", "x".repeat(30_000_000));
    RedisServer.await("the write is broken off", () -> writer.updater().failures() > 0);
    server.goOn();
    RedisServer.await("the big value", () -> redis.strlen("{t}:big") == 30_000_000);
    writer.flush(true);
  }

  @Test
  void aPortThatAcceptsAndNeverAnswersIsWaitedFor() throws IOException, InterruptedException {
    int port = RedisServer.freePort();
    ServerSocket mute = new ServerSocket(port);
    SinkOptions options = Tables.ranking("redis://127.0.0.1:" + port);
    RedisWriter waiting = Tables.writer(options, List.of());
    Tables.put(waiting, "a", "[1]");
    mute.accept();
    RedisServer.await("it gave up once", () -> waiting.updater().failures() > 0);
    assertEquals(1, Tables.checkpoint(waiting, options).get(0).changes().size());
    mute.close();
    try (RedisServer late = RedisServer.start(port, RedisServer.temporaryFolder()); Jedis client = late.client()) {
      waiting.flush(true);
      assertEquals("[1]", client.get("{t}:a"));
      waiting.close();
    }
  }

  @Test
  void anEmptiedRedisIsFilledAgainAndGetsANewEpochLast() {
    String before = redis.get(Tables.EPOCH);
    redis.flushAll();
    RedisServer.await("a new epoch", () -> redis.exists(Tables.EPOCH));
    assertTrue(!redis.get(Tables.EPOCH).equals(before));
    assertTrue(holds("[1]"));
  }

  @Test
  void aRedisThatWentBackInTimeIsFilledAgainUnderANewEpoch() throws IOException, InterruptedException {
    redis.save();
    String before = redis.get(Tables.EPOCH);
    Tables.put(writer, "a", "[2]");
    writer.flush(true);
    server.kill();
    redis.close();
    server.startAgain();
    redis = server.client();
    // Asked once: the epoch of before may go between two questions.
    RedisServer.await("another epoch", () -> !Objects.requireNonNullElse(redis.get(Tables.EPOCH), before).equals(before));
    assertTrue(holds("[2]"));
  }

  private void waitsAndGoesOn(Runnable refuse, Runnable allow, BooleanSupplier refused) throws IOException, InterruptedException {
    refuse.run();
    comesThrough("[2]");
    RedisServer.await("it refuses", refused);
    RedisServer.await("the writer was refused", () -> writer.updater().failures() > 0);
    writer.flush(false);
    allow.run();
    RedisServer.await("[2]", () -> {
      try {
        return holds("[2]");
      } catch (JedisBusyException e) {
        return false;
      }
    });
    writer.flush(true);
  }

  private boolean refuses(String code) {
    return assertThrows(JedisDataException.class, () -> redis.set("probe", "1")).getMessage().startsWith(code);
  }

  @Test
  void aReplicaIsWaitedFor() throws IOException, InterruptedException {
    // Of a master that is not there, so its data stays.
    waitsAndGoesOn(() -> redis.replicaof("127.0.0.1", RedisServer.freePort()), redis::replicaofNoOne, () -> refuses("READONLY"));
  }

  @Test
  void aFullRedisIsWaitedFor() throws IOException, InterruptedException {
    waitsAndGoesOn(() -> redis.configSet("maxmemory", "1"), () -> redis.configSet("maxmemory", "0"), () -> refuses("OOM"));
  }

  @Test
  void aRedisThatDoesNotLetUsInIsWaitedFor() throws IOException, InterruptedException {
    waitsAndGoesOn(() -> {
      redis.configSet("requirepass", "another");
      redis.auth("another");
      redis.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(SkipMe.YES));
    }, () -> redis.configSet("requirepass", ""), () -> true);
  }

  @Test
  void aRedisThatIsBusyWithASlowScriptIsWaitedFor() throws IOException, InterruptedException {
    redis.configSet("lua-time-limit", "50");
    Thread slow = new Thread(() -> {
      try (Jedis other = server.client()) {
        assertThrows(JedisDataException.class, () -> other.eval("while true do end"));
      }
    });
    slow.start();
    waitsAndGoesOn(() -> RedisServer.await("busy", this::isBusy), redis::scriptKill, () -> refuses("BUSY"));
    slow.join();
  }

  private boolean isBusy() {
    try {
      redis.ping();
      return false;
    } catch (JedisBusyException e) {
      return true;
    }
  }

  @Test
  void aRedisThatLoadsIsWaitedFor() throws IOException, InterruptedException {
    // A loading server looks at its connections after each two megabytes.
    String[] filler = new String[6_000];
    for (int i = 0; i < filler.length; i += 2) {
      filler[i] = "filler" + i;
      filler[i + 1] = "x".repeat(2_500);
    }
    redis.mset(filler);
    redis.configSet("rdbcompression", "no");
    redis.save();
    server.kill();
    redis.close();
    RedisServer loading = RedisServer.start(server.port, server.folder, "--key-load-delay", "1000");
    redis = loading.client();
    assertTrue(refuses("LOADING"));
    comesThrough("[2]");
    RedisServer.await("[2]", () -> !isLoading() && holds("[2]"));
    writer.close();
    loading.close();
  }

  private boolean isLoading() {
    return redis.info("persistence").contains("loading:1");
  }

  @Test
  void aFullBufferMakesTheStatementWaitUntilItIsCancelledOrRedisIsBack() throws IOException, InterruptedException {
    SinkOptions options = Tables.plain(server.uri(), Duration.ZERO, 500, 1_000_000);
    RedisWriter bounded = Tables.writer(options, List.of());
    server.hang();
    Thread task = new Thread(() -> {
      assertThrows(InterruptedException.class, () -> {
        for (int i = 0; ; i++) Tables.put(bounded, "k" + i, "v");
      });
    });
    task.start();
    RedisServer.await("it waits", () -> task.getState() == Thread.State.TIMED_WAITING);
    assertEquals(500, Tables.checkpoint(bounded, options).get(0).changes().size());
    task.interrupt();
    task.join(2_000);
    assertTrue(!task.isAlive());
    server.goOn();
    bounded.flush(true);
    Tables.put(bounded, "more", "v");
    bounded.flush(true);
    assertEquals(501, redis.keys("p:*").size());
    bounded.close();
  }

  @Test
  void valuesThatOutliveTheirTtlMakeRoomSoTheStatementGoesOn() throws IOException, InterruptedException {
    SinkOptions options = Tables.plain(server.uri(), Duration.ofMillis(700), 500, 1_000_000);
    RedisWriter bounded = Tables.writer(options, List.of());
    server.hang();
    for (int i = 0; i < 1_600; i++) Tables.put(bounded, "k" + i, "v");
    assertTrue(Tables.checkpoint(bounded, options).get(0).changes().size() <= 500);
    assertTrue(!Tables.checkpoint(bounded, options).get(0).changes().containsKey("p:k0"));
    server.goOn();
    bounded.flush(true);
    bounded.close();
  }

  @Test
  void aRefusedConnectionIsTriedAgain() throws IOException, InterruptedException {
    redis.save();
    server.kill();
    redis.close();
    comesThrough("[2]");
    server.startAgain();
    redis = server.client();
    RedisServer.await("[2]", () -> holds("[2]"));
    assertTrue(Files.exists(server.folder.resolve("dump.rdb")));
  }
}
