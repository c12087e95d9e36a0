package cpcads.flink.redis;

import cpcads.flink.redis.RedisConnection.Control;
import cpcads.flink.redis.RedisConnection.Writer;
import cpcads.flink.redis.SinkOptions.ControlKeys;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Values, change list and version by one script, for one writer at a time.
 *
 * <p>The epoch is a random id in Redis. It disappears with the data, and this writer sets it again only when
 * everything has been written, so to a reader "no epoch" means "being rebuilt" and a new one "read everything again".
 *
 * <p>The writer key holds `token:batch` of who wrote last. A higher token is a newer writer, and this one ends. A batch
 * below the last one that was confirmed means that Redis went back in time (an older snapshot, a replica that was
 * behind): the epoch is taken away and everything is written again, as into an empty Redis.
 */
final class ScriptedTable implements RedisTable {
  private static final Logger LOG = LoggerFactory.getLogger(ScriptedTable.class);
  /** Redis that is named by nobody: no epoch. */
  private static final String NO_EPOCH = "";
  /** New keys may go on coming for ever; a sweep waits for their end at most this many of its delays. */
  private static final int LONGEST_SWEEP_WAIT = 20;

  private final SinkOptions options;
  private final ControlKeys keys;
  private final KeyBook book;
  private final long token;
  private final long startedAt = System.nanoTime();
  private long confirmedBatch;
  /** The epoch under which Redis is known to hold all that this writer has written. Null: not known. */
  private String completeEpoch;
  /** The epoch that the next batch expects. Null: has to be read first. */
  private String expectedEpoch;
  private volatile boolean sweepDue;

  ScriptedTable(SinkOptions options, KeyBook book, long token, boolean sweepDue) {
    this.options = options;
    this.keys = options.controlKeys();
    this.book = book;
    this.token = token;
    this.sweepDue = sweepDue && options.mirror() && !options.sweepDelay().isZero();
  }

  @Override
  public void update(RedisNodes nodes, BatchSize size, Closed closed) throws NewerWriterException {
    boolean anew = expectedEpoch == null;
    if (anew || book.unconfirmedCount() == 0) look(nodes);
    // A batch that an earlier connection left in some buffer counts no more from here on.
    if (anew) apply(nodes, Map.of());
    while (!closed.now()) {
      Map<String, Change> batch = book.nextBatch(size.rows(), size.chars());
      if (batch.isEmpty()) break;
      if (apply(nodes, batch)) book.confirm(batch);
    }
    if (closed.now()) return;
    becomeComplete(nodes);
    if (sweepDue && maySweep()) sweep(nodes, closed);
  }

  @Override
  public void connectionLost() {
    expectedEpoch = null;
  }

  @Override
  public boolean sweepDue() {
    return sweepDue;
  }

  private boolean apply(RedisNodes nodes, Map<String, Change> batch) throws NewerWriterException {
    long answer = nodes.at(keys.writer(), redis -> redis.apply(keys, batch, new Writer(token, confirmedBatch), expectedEpoch,
        options.publishChannel(), options.ttl()));
    if (answer == RedisConnection.NEWER_WRITER) throw new NewerWriterException(options.keyPrefix());
    if (answer == RedisConnection.NOT_AS_KNOWN) {
      look(nodes);
      return false;
    }
    confirmedBatch = answer;
    return true;
  }

  /** Another epoch than the one that was complete: this Redis holds nothing, or the data of somebody else. */
  private void look(RedisNodes nodes) throws NewerWriterException {
    Control found = nodes.at(keys.writer(), redis -> redis.control(keys));
    if (tokenOf(found.writer()) > token) throw new NewerWriterException(options.keyPrefix());
    long batch = batchOf(found.writer());
    boolean wentBack = batch < confirmedBatch;
    // Further than what was confirmed: a confirmation got lost.
    confirmedBatch = batch;
    if (wentBack) {
      // Readers have seen versions that will be given out again: only a new epoch makes them read everything.
      if (!keys.epoch().isEmpty()) nodes.at(keys.writer(), redis -> {
        redis.delete(keys.epoch());
        return null;
      });
    }
    expectedEpoch = wentBack ? NO_EPOCH : found.epoch();
    if (expectedEpoch.equals(completeEpoch) && !wentBack) return;
    int known = book.markAllUnconfirmed();
    if (completeEpoch != null) {
      LOG.warn("redis-data-lost ({}): writing {} keys again", wentBack ? "older data" : "no or another epoch", known);
    }
    completeEpoch = null;
  }

  private long tokenOf(String writer) {
    return writer.matches("\\d{1,18}:\\d{1,18}") ? Long.parseLong(writer.substring(0, writer.indexOf(':'))) : 0;
  }

  private long batchOf(String writer) {
    return tokenOf(writer) == token ? Long.parseLong(writer.substring(writer.indexOf(':') + 1)) : 0;
  }

  private void becomeComplete(RedisNodes nodes) throws NewerWriterException {
    if (completeEpoch != null) return;
    if (options.mirror() && expectedEpoch.equals(NO_EPOCH)) {
      String candidate = UUID.randomUUID().toString();
      boolean ours = nodes.at(keys.writer(), redis -> redis.claimEpoch(keys, new Writer(token, confirmedBatch), candidate));
      if (!ours) throw new NewerWriterException(options.keyPrefix());
      expectedEpoch = nodes.at(keys.writer(), redis -> redis.control(keys)).epoch();
    }
    completeEpoch = expectedEpoch;
  }

  /**
   * Only a mirror that has read its log to the end knows what is left over: as long as keys come that it did not know,
   * it is still reading; and one that knows nothing has no log to read, so it deletes nothing.
   */
  private boolean maySweep() {
    Duration delay = options.sweepDelay();
    boolean quiet = book.nanosSinceNewKey() >= delay.toNanos();
    boolean waitedLong = System.nanoTime() - startedAt >= delay.multipliedBy(LONGEST_SWEEP_WAIT).toNanos();
    return !book.knowsNothing() && (quiet || waitedLong);
  }

  /** Without state this writer cannot know which keys an earlier one left behind, and nobody else will delete them. */
  private void sweep(RedisNodes nodes, Closed closed) {
    int orphans = 0;
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      String from = cursor;
      ScanResult<String> step = nodes.at(keys.writer(), redis -> redis.scan(options.keyPrefix(), from));
      for (String key : step.getResult()) {
        if (!isControl(key) && book.deleteIfUnknown(key)) orphans++;
      }
      cursor = step.getCursor();
    } while (!closed.now() && !cursor.equals(ScanParams.SCAN_POINTER_START));
    if (closed.now()) return;
    // The deletes are in the book now, and so in each checkpoint until Redis has them.
    sweepDue = false;
    LOG.info("swept {}: {} orphaned keys", options.keyPrefix(), orphans);
  }

  private boolean isControl(String key) {
    return key.equals(keys.epoch()) || key.equals(keys.writer()) || key.equals(keys.version()) || key.equals(keys.changes());
  }
}
