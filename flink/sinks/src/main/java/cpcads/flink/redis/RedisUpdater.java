package cpcads.flink.redis;

import cpcads.flink.redis.RedisTable.BatchSize;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the book to Redis, for ever: a Redis that is away, hangs, loads, is full, is a replica or does not let us in
 * delays it and never ends it. Only a newer writer of the same table does.
 */
final class RedisUpdater extends Thread {
  private static final Logger LOG = LoggerFactory.getLogger(RedisUpdater.class);
  private static final long PROBE_MS = 1_000;
  private static final long FIRST_BACKOFF_MS = 50;
  private static final long LAST_BACKOFF_MS = 1_000;
  private static final long REMIND_MS = 60_000;
  /** More different reasons than these within one outage are told by the reminder only. */
  private static final int MAX_REASONS = 10;
  /** A flush that holds more text than this is cut, so that Redis is never busy with one script for long. */
  private static final int BATCH_CHARS = 4_000_000;
  /** After failures batches shrink to 1/64: a slow Redis may take a small one in time. */
  private static final int MAX_HALVINGS = 6;
  private static final long JOIN_MS = 1_000;

  private final SinkOptions options;
  private final KeyBook book;
  private final RedisTable table;
  private final RedisNodes nodes;
  private final Set<String> told = new HashSet<>();
  private long remindAt;
  private long backoffMs;
  private int halvings;
  private volatile long failures;
  private volatile long doneAtNanos = System.nanoTime();
  private volatile boolean closed;
  private volatile Throwable death;

  RedisUpdater(SinkOptions options, KeyBook book, RedisTable table) {
    super("redis-sink " + options.keyPrefix());
    setDaemon(true);
    this.options = options;
    this.book = book;
    this.table = table;
    this.nodes = new RedisNodes(options.address(), getName());
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
    } catch (RedisTable.NewerWriterException | RuntimeException | Error e) {
      death = e;
    } finally {
      nodes.close();
    }
  }

  void failIfDead() throws IOException {
    Throwable why = death;
    if (why != null) throw new IOException("the redis sink thread ended: " + why.getMessage(), why);
  }

  /** Since Redis last took all that there was, in ms; zero while nothing waits. */
  long lastWriteAgeMs() {
    return book.unconfirmedCount() == 0 ? 0 : (System.nanoTime() - doneAtNanos) / 1_000_000;
  }

  /** Attempts that Redis did not answer in time, or refused. */
  long failures() {
    return failures;
  }

  /** Never throws, and ends soon whatever Redis does: what was not written is in the state. */
  void close() {
    closed = true;
    interrupt();
    try {
      // A call that is under way may end by itself.
      join(JOIN_MS / 10);
      nodes.breakOff();
      join(JOIN_MS);
    } catch (InterruptedException e) {
      nodes.breakOff();
      Thread.currentThread().interrupt();
    }
  }

  private void attempt() throws InterruptedException, RedisTable.NewerWriterException {
    try {
      table.update(nodes, batchSize(), () -> closed);
      doneAtNanos = System.nanoTime();
      if (!told.isEmpty()) LOG.info("redis is back ({})", options.keyPrefix());
      told.clear();
      backoffMs = 0;
      halvings = Math.max(0, halvings - 1);
    } catch (RuntimeException e) {
      if (closed) return;
      failures = failures + 1;
      tell(e);
      nodes.disconnect();
      table.connectionLost();
      halvings = Math.min(MAX_HALVINGS, halvings + 1);
      backoffMs = Math.min(LAST_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, backoffMs * 2));
      Thread.sleep(backoffMs);
    }
  }

  private BatchSize batchSize() {
    return new BatchSize(Math.max(1, options.flushMaxRows() >> halvings), BATCH_CHARS >> halvings);
  }

  /** Once per reason, and again every minute. */
  private void tell(RuntimeException e) {
    String reason = Refusal.reason(options.address(), e);
    boolean due = !told.isEmpty() && System.nanoTime() - remindAt >= 0;
    if (!due && (told.size() >= MAX_REASONS || told.contains(reason))) return;
    told.add(reason);
    remindAt = System.nanoTime() + REMIND_MS * 1_000_000;
    LOG.warn("redis-waiting ({}): {} keys, {} bytes: {}", options.keyPrefix(), book.unconfirmedCount(),
        book.unconfirmedBytes(), reason);
  }
}
