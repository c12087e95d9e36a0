package cpcads.flink.redis;

import cpcads.flink.redis.SinkOptions.ControlKeys;
import java.util.stream.Stream;
import org.apache.flink.table.api.ValidationException;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * Redis Cluster takes a script only when all of its keys have one slot. That is asked for everywhere, so that a table
 * that works with one server works with a cluster.
 */
final class OneSlot {
  private OneSlot() {}

  /** @throws ValidationException that says which names to give. */
  static void check(String keyPrefix, ControlKeys keys) {
    if (keys.writer().isEmpty()) return;
    String tag = tagOf(keyPrefix);
    if (tag.isEmpty()) {
      throw new ValidationException("key.prefix '" + keyPrefix + "' needs a hash tag, since one script writes its keys "
          + "together: write '{" + nameIn(keyPrefix) + "}:'");
    }
    int slot = JedisClusterCRC16.getSlot(keyPrefix);
    Stream.of(keys.epoch(), keys.version(), keys.changes(), keys.writer())
        .filter(key -> !key.isEmpty() && JedisClusterCRC16.getSlot(key) != slot)
        .findFirst().ifPresent(key -> {
          throw new ValidationException("'" + key + "' is written together with key.prefix '" + keyPrefix
              + "', so it needs the same hash tag: write '{" + tag + "}-" + nameIn(key) + "'");
        });
  }

  /** What Redis hashes instead of the whole key: between the first brace and the next closing one, if not empty. */
  private static String tagOf(String key) {
    int open = key.indexOf('{');
    int close = open < 0 ? -1 : key.indexOf('}', open + 1);
    return close < 0 ? "" : key.substring(open + 1, close);
  }

  private static String nameIn(String key) {
    String name = key.replaceAll("[{}:]", "");
    return name.isEmpty() ? "table" : name;
  }
}
