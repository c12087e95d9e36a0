package cpcads.flink.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Servers in cluster mode: keys of one script have to share a slot, and slots live on different nodes and move. */
class RedisClusterTest {
  private static final int SLOTS = 16_384;
  private static final String[] CLUSTER = {"--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"};

  private static RedisServer node(int from, int until) {
    // The bus of a node is 10,000 above its port.
    RedisServer server = RedisServer.startBelow(55_000, CLUSTER);
    try (Jedis redis = server.client()) {
      redis.clusterAddSlots(IntStream.range(from, until).toArray());
      RedisServer.await("the cluster works", () -> redis.clusterInfo().contains("cluster_state:ok"));
    }
    return server;
  }

  private static void write(RedisWriter writer, int keys, String value) throws IOException, InterruptedException {
    for (int i = 0; i < keys; i++) Tables.put(writer, "k" + i, value);
    writer.flush(true);
  }

  @Test
  void aNodeWithAllSlotsTakesTheScriptsAndTheSweep() throws IOException, InterruptedException {
    try (RedisServer server = node(0, SLOTS); Jedis redis = server.client()) {
      assertTrue(assertThrows(JedisDataException.class, () -> redis.mset("a", "1", "b", "2")).getMessage().startsWith("CROSSSLOT"));
      redis.set("{t}:left over", "[0]");
      RedisWriter writer = Tables.writer(Tables.ranking(server.uri(), Duration.ofMillis(100)), List.of());
      write(writer, 1_200, "[1]");
      RedisServer.await("complete and swept", () -> redis.exists(Tables.EPOCH) && !redis.exists("{t}:left over"));
      assertEquals(1_201, redis.zcard(Tables.CHANGES));
      writer.close();
    }
  }

  @Test
  void valuesGoToTheNodesThatHaveThem() throws IOException, InterruptedException {
    try (RedisServer first = node(0, SLOTS / 2); RedisServer second = node(SLOTS / 2, SLOTS);
        Jedis one = first.client(); Jedis two = second.client()) {
      meet(first, one, two);
      RedisWriter plain = Tables.writer(Tables.plain(first.uri(), Duration.ofHours(1), 100_000, 10_000_000), List.of());
      write(plain, 1_000, "1");
      assertEquals(1_000, one.dbSize() + two.dbSize());
      assertTrue(one.dbSize() > 400 && two.dbSize() > 400, one.dbSize() + " and " + two.dbSize());
      plain.close();
      // The tag {t} has slot 15891, so its table lives on the other node than the one of the address.
      assertTrue(JedisClusterCRC16.getSlot("{t}") >= SLOTS / 2);
      RedisWriter ranking = Tables.writer(Tables.ranking(first.uri()), List.of());
      write(ranking, 10, "[1]");
      assertEquals("[1]", two.get("{t}:k9"));
      ranking.close();
    }
  }

  @Test
  void aSlotThatMovesIsFollowedAndItsTableIsWhole() throws IOException, InterruptedException {
    try (RedisServer first = node(0, SLOTS / 2); RedisServer second = node(SLOTS / 2, SLOTS);
        Jedis one = first.client(); Jedis two = second.client()) {
      meet(first, one, two);
      RedisWriter writer = Tables.writer(Tables.ranking(first.uri()), List.of());
      write(writer, 10, "[1]");
      int slot = JedisClusterCRC16.getSlot("{t}");
      String target = one.clusterMyId();
      // As after a failover to a node that has none of the data: the slot answers elsewhere and is empty. Its claim has
      // a newer epoch, as an election gives it, or the next word of the other node takes the slot back.
      one.clusterBumpEpoch();
      one.clusterSetSlotNode(slot, target);
      RedisServer.await("the slot has moved", () -> {
        two.flushAll();
        try {
          return "OK".equals(two.clusterSetSlotNode(slot, target));
        } catch (JedisDataException e) {
          // The writer was quicker, and the slot is not empty.
          return false;
        }
      });
      RedisServer.await("written again", () -> one.exists(Tables.EPOCH) && "[1]".equals(one.get("{t}:k9")));
      write(writer, 10, "[2]");
      assertEquals("[2]", one.get("{t}:k0"));
      writer.close();
    }
  }

  private static void meet(RedisServer first, Jedis one, Jedis two) {
    two.clusterMeet("127.0.0.1", first.port);
    RedisServer.await("each knows the other's slots", () -> List.of(one, two).stream()
        .allMatch(node -> node.clusterInfo().contains("cluster_slots_assigned:" + SLOTS)
            && node.clusterInfo().contains("cluster_state:ok")));
  }
}
