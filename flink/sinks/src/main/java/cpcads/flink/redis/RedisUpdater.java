package cpcads.flink.redis;

import java.io.IOException;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Brings the book to Redis, for ever: an unreachable, hung or emptied Redis delays it and never ends it.
 *
 * <p>The epoch is a random id in Redis. It disappears with the data, and this writer sets it again only when
 * everything has been written, so to a reader "no epoch" means "being rebuilt" and a new one "read everything again".
 */
final class RedisUpdater extends Thread {
  private static final Logger LOG = LoggerFactory.getLogger(RedisUpdater.class);
  private static final long PROBE_MS = 1_000;
  private static final long FIRST_BACKOFF_MS = 50;
  private static final long LAST_BACKOFF_MS = 1_000;
  /** A flush that holds more text than this is cut, so that Redis is never busy with one script for long. */
  private static final int BATCH_CHARS = 4_000_000;
  private static final long JOIN_MS = 5_000;

  private final SinkOptions options;
  private final KeyBook book;
  private final long sweepAt;
  private RedisConnection connection;
  /** The epoch under which Redis is known to hold all that this writer has written. Null: not known. */
  private String completeEpoch;
  /** The epoch that the next batch expects. Null: has to be read first. */
  private String expectedEpoch;
  private boolean sweepDue;
  private long backoffMs;
  private volatile boolean closed;
  private volatile Throwable death;

  RedisUpdater(SinkOptions options, KeyBook book, boolean freshStart) {
    super("redis-sink " + options.keyPrefix());
    setDaemon(true);
    this.options = options;
    this.book = book;
    this.sweepDue = freshStart && options.mirror() && !options.sweepDelay().isZero();
    this.sweepAt = System.nanoTime() + options.sweepDelay().toNanos();
  }

  @Override
  public void run() {
    try {
      while (!closed) {
        if (book.awaitChange(PROBE_MS)) Thread.sleep(options.flushInterval().toMillis());
        attempt();
      }
    } catch (InterruptedException e) {
      if (!closed) death = e;
    } catch (Error e) {
      death = e;
    } finally {
      disconnect();
    }
  }

  void failIfDead() throws IOException {
    if (death != null) throw new IOException("the redis sink thread ended", death);
  }

  void close() throws InterruptedException {
    closed = true;
    interrupt();
    join(JOIN_MS);
  }

  private void attempt() throws InterruptedException {
    try {
      update();
      if (backoffMs > 0) LOG.info("redis is back ({})", options.keyPrefix());
      backoffMs = 0;
    } catch (RuntimeException e) {
      if (backoffMs == 0) LOG.warn("redis ({}), {} keys waiting: {}", options.keyPrefix(), book.unconfirmedCount(), e.toString());
      disconnect();
      expectedEpoch = null;
      backoffMs = Math.min(LAST_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, backoffMs * 2));
      Thread.sleep(backoffMs);
    }
  }

  private void update() {
    if (connection == null) connection = new RedisConnection(options);
    if (expectedEpoch == null || book.unconfirmedCount() == 0) readEpoch();
    while (!closed) {
      Map<String, String> batch = book.nextBatch(options.flushMaxRows(), BATCH_CHARS);
      if (batch.isEmpty()) break;
      if (connection.apply(batch, expectedEpoch)) book.confirm(batch);
      else readEpoch();
    }
    becomeComplete();
    if (sweepDue && System.nanoTime() - sweepAt >= 0) sweep();
  }

  /** Another epoch than the one that was complete: this Redis holds nothing, or the data of somebody else. */
  private void readEpoch() {
    expectedEpoch = connection.epoch();
    if (expectedEpoch.equals(completeEpoch)) return;
    int keys = book.markAllUnconfirmed();
    if (completeEpoch != null) LOG.warn("redis lost {}: writing {} keys again", options.epochKey(), keys);
    completeEpoch = null;
  }

  private void becomeComplete() {
    if (closed || completeEpoch != null) return;
    if (options.mirror() && expectedEpoch.equals(RedisConnection.NO_EPOCH)) {
      expectedEpoch = connection.claimEpoch(UUID.randomUUID().toString());
    }
    completeEpoch = expectedEpoch;
  }

  /** Without state this writer cannot know which keys an earlier one left behind, and nobody else will delete them. */
  private void sweep() {
    sweepDue = false;
    int orphans = 0;
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      ScanResult<String> step = connection.scan(cursor);
      for (String key : step.getResult()) {
        if (!key.equals(options.epochKey()) && book.deleteIfUnknown(key)) orphans++;
      }
      cursor = step.getCursor();
    } while (!closed && !cursor.equals(ScanParams.SCAN_POINTER_START));
    LOG.info("swept {}: {} orphaned keys", options.keyPrefix(), orphans);
  }

  private void disconnect() {
    if (connection == null) return;
    try {
      connection.close();
    } catch (RuntimeException e) {
      LOG.debug("closing a broken connection: {}", e.toString());
    }
    connection = null;
  }
}
