package cpcads.flink.redis;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisMovedDataException;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The connections of one writer. A single server is one node. Of a cluster it learns from each MOVED where a slot
 * lives, and keeps a connection per node. After any error everything is forgotten and begins at the address given.
 */
final class RedisNodes implements AutoCloseable {
  private static final int MAX_HOPS = 5;
  private static final long CALL_LIMIT_MS = 5_000;

  private final RedisAddress address;
  private final CallWatch watch;
  private final Map<HostAndPort, RedisConnection> open = new HashMap<>();
  private final Map<Integer, HostAndPort> places = new HashMap<>();
  /** Also of connections that are being made; {@link #breakOff} runs on another thread. */
  private final Set<RedisSocket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;

  RedisNodes(RedisAddress address, String name) {
    this.address = address;
    this.watch = new CallWatch(name + " watch", CALL_LIMIT_MS);
  }

  /** Calls the node that has this key. */
  <T> T at(String key, Function<RedisConnection, T> call) {
    int slot = JedisClusterCRC16.getSlot(key);
    for (int hop = 0; hop < MAX_HOPS; hop++) {
      HostAndPort node = places.getOrDefault(slot, address.node());
      try {
        return call.apply(connectionTo(node));
      } catch (JedisMovedDataException e) {
        learn(e, node);
      }
    }
    throw movesOn();
  }

  /** Writes each key by itself, on the node that has it. */
  void setAll(Map<String, Change> changes, Duration ttl) {
    Map<String, Change> left = changes;
    for (int hop = 0; hop < MAX_HOPS && !left.isEmpty(); hop++) left = setOnce(left, ttl);
    if (!left.isEmpty()) throw movesOn();
  }

  /** @return those whose place was not known; it is now. */
  private Map<String, Change> setOnce(Map<String, Change> changes, Duration ttl) {
    Map<HostAndPort, Map<String, Change>> byNode = new LinkedHashMap<>();
    changes.forEach((key, change) -> {
      HostAndPort node = places.getOrDefault(JedisClusterCRC16.getSlot(key), address.node());
      byNode.computeIfAbsent(node, n -> new LinkedHashMap<>()).put(key, change);
    });
    Map<String, Change> left = new LinkedHashMap<>();
    byNode.forEach((node, some) -> connectionTo(node).setAll(some, ttl).forEach((key, moved) -> {
      learn(moved, node);
      left.put(key, some.get(key));
    }));
    return left;
  }

  void publish(String channel, String message) {
    connectionTo(address.node()).publish(channel, message);
  }

  /** Forgets all connections; the next call makes new ones. */
  void disconnect() {
    open.values().forEach(RedisConnection::close);
    open.clear();
    places.clear();
    sockets.clear();
  }

  /** From any thread: calls that are under way throw at once, and no new one begins. */
  void breakOff() {
    ended = true;
    sockets.forEach(RedisSocket::breakOff);
  }

  @Override
  public void close() {
    breakOff();
    disconnect();
    watch.close();
  }

  private RedisConnection connectionTo(HostAndPort node) {
    RedisConnection existing = open.get(node);
    if (existing != null) return existing;
    RedisSocket socket = new RedisSocket(address, node);
    sockets.add(socket);
    if (ended) throw new JedisConnectionException("closed");
    RedisConnection connection = new RedisConnection(address, node, socket, watch);
    open.put(node, connection);
    return connection;
  }

  private void learn(JedisMovedDataException moved, HostAndPort from) {
    HostAndPort target = moved.getTargetNode();
    // A node that was not told its own name leaves it out: the name by which we reached it holds.
    boolean nameless = target.getHost() == null || target.getHost().isEmpty() || target.getHost().equals("?");
    places.put(moved.getSlot(), nameless ? new HostAndPort(from.getHost(), target.getPort()) : target);
  }

  private static JedisClusterOperationException movesOn() {
    return new JedisClusterOperationException("the nodes of the cluster do not agree where a key lives");
  }
}
